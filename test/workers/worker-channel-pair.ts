import { WorkerChannel, type WorkerChannelOptions } from '../../src/workers/worker-channel.ts'

type Side = Partial<Omit<WorkerChannelOptions, 'send'>>

/**
 * Two ends of a line within one process; what is said is copied, as between processes, and comes a turn
 * later, or when `open` has resolved.
 */
export function workerChannelPair(
  left: Side,
  right: Side,
  open: Promise<void> = Promise.resolve(),
): readonly [WorkerChannel, WorkerChannel] {
  const silent = { answer: () => undefined, hear: () => undefined }
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
