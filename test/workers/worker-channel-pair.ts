import { WorkerChannel, type WorkerChannelOptions } from '../../src/workers/worker-channel.ts'

type Side = Partial<Omit<WorkerChannelOptions, 'send'>>

/**
 * Returns both ends of a channel within one process. Messages are copied and arrive a turn later, or after
 * `open`.
 */
export function workerChannelPair(
  left: Side,
  right: Side,
  open: Promise<void> = Promise.resolve(),
): readonly [WorkerChannel, WorkerChannel] {
  const silent = { onQuestion: () => undefined, onNotice: () => undefined }
  const carry = (message: object, to: () => WorkerChannel): void => {
    const copy: unknown = structuredClone(message)
    void open.then(() => to().receive(copy))
  }
  const first: WorkerChannel = new WorkerChannel({
    ...silent,
    ...left,
    send: message => carry(message, () => second),
  })
  const second: WorkerChannel = new WorkerChannel({
    ...silent,
    ...right,
    send: message => carry(message, () => first),
  })
  return [first, second]
}
