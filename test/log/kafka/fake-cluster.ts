import { randomBytes } from 'node:crypto'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { type SampleRecord, encodeBatch, sampleRecords } from './batch-encoder.ts'
import { type Divergence, FakePartition } from './fake-partition.ts'
import {
  array,
  compactArray,
  compactBytes,
  compactString,
  type FakeFetch,
  type FakeRequest,
  frameAnswer,
  int8,
  int16,
  int32,
  int64,
  noTags,
  readFetch,
  readListOffsets,
  readRequest,
  uvarint,
} from './fake-protocol.ts'

const unknownTopicId = 100
const notLeader = 6
const outOfRange = 1

/** Several brokers that keep partitions in memory and can misbehave in ways that real ones rarely do. */
export class FakeCluster {
  readonly topics = new Map<string, { id: Buffer; readonly partitions: readonly FakePartition[] }>()
  /** Fetches that were answered, by node. */
  readonly fetches: number[] = []
  /** What a node answers instead of what it should; it may also never answer. */
  readonly faults: (((request: FakeRequest, socket: Socket) => boolean) | undefined)[] = []
  /** Called when it was found out which record is not older than a time, before that is answered. */
  onLookUpByTime: () => void = () => undefined
  readonly #servers: Server[] = []
  readonly #sockets: Set<Socket>[] = []
  readonly #sleepers = new Set<() => void>()

  /** Starts brokers with the node ids 0, 1 and so on. */
  static async start(nodes: number): Promise<FakeCluster> {
    const cluster = new FakeCluster()
    for (let node = 0; node < nodes; node += 1) await cluster.#listen(node)
    return cluster
  }

  /** Addresses of every broker. */
  get brokers(): string[] {
    return this.#servers.map(server => `127.0.0.1:${portOf(server)}`)
  }

  /** Makes a topic whose partitions have these leaders; one of that name before is gone. */
  create(topic: string, leaders: readonly number[]): readonly FakePartition[] {
    const partitions = leaders.map(leader => new FakePartition(leader))
    this.topics.set(topic, { id: randomBytes(16), partitions })
    this.#wake()
    return partitions
  }

  /** Appends a batch. */
  append(partition: FakePartition, records: readonly SampleRecord[] = sampleRecords(1)): void {
    const baseOffset = partition.end
    const end = baseOffset + (records.at(-1)?.offsetDelta ?? 0) + 1
    partition.append({ baseOffset, end, bytes: encodeBatch({ baseOffset, records }) })
    this.#wake()
  }

  move(partition: FakePartition, leader: number): void {
    partition.leader = leader
    this.#wake()
  }

  /** Cuts every connection to a node. */
  cut(node: number): void {
    for (const socket of this.#sockets[node] ?? []) socket.destroy()
  }

  async stop(): Promise<void> {
    for (const [node, server] of this.#servers.entries()) {
      const { promise, resolve } = Promise.withResolvers<void>()
      server.close(() => resolve())
      this.cut(node)
      await promise
    }
  }

  async #listen(node: number): Promise<void> {
    const server = createServer(socket => this.#serve(node, socket))
    this.#servers.push(server)
    this.#sockets.push(new Set())
    this.fetches.push(0)
    const { promise, resolve } = Promise.withResolvers<void>()
    server.listen(0, '127.0.0.1', resolve)
    await promise
  }

  #serve(node: number, socket: Socket): void {
    this.#sockets[node]!.add(socket)
    socket.on('close', () => this.#sockets[node]!.delete(socket)).on('error', () => {})
    let bytes = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk])
      while (bytes.length >= 4 && bytes.length >= 4 + bytes.readInt32BE(0)) {
        const end = 4 + bytes.readInt32BE(0)
        void this.#answer(node, readRequest(bytes.subarray(4, end)), socket)
        bytes = bytes.subarray(end)
      }
    })
  }

  async #answer(node: number, request: FakeRequest, socket: Socket): Promise<void> {
    if (this.faults[node]?.(request, socket)) return
    const body = await this.#body(node, request)
    if (!socket.destroyed) socket.write(frameAnswer(request, body))
  }

  async #body(node: number, { apiKey, body }: FakeRequest): Promise<Buffer> {
    if (apiKey === 18) return apiVersions()
    if (apiKey === 3) return this.#metadata()
    if (apiKey === 2) return this.#listOffsets(node, readListOffsets(body))
    return this.#fetch(node, readFetch(body))
  }

  #metadata(): Buffer {
    const brokers = this.#servers.map((server, node) =>
      Buffer.concat([
        int32(node),
        compactString('127.0.0.1'),
        int32(portOf(server)),
        compactString('rack'),
        noTags,
      ]),
    )
    const topics = [...this.topics].map(([topic, { id, partitions }]) => {
      const of = partitions.map(({ leader }, index) => {
        const replicas = [0, 1, 2].map(() => compactArray([int32(0)]))
        return Buffer.concat([int16(0), int32(index), int32(leader), int32(5), ...replicas, noTags])
      })
      return Buffer.concat([int16(0), compactString(topic), id, int8(0), compactArray(of), int32(0), noTags])
    })
    const head = [int32(0), compactArray(brokers), compactString('cluster'), int32(0)]
    return Buffer.concat([...head, compactArray(topics), noTags])
  }

  #listOffsets(node: number, questions: ReturnType<typeof readListOffsets>): Buffer {
    const answers = questions.map(({ topic, partition, timeMs }) => {
      const found = this.topics.get(topic)?.partitions[partition]
      const isLeader = found?.leader === node
      const offset = found && offsetAt(found, timeMs)
      if (timeMs >= 0) this.onLookUpByTime()
      const fields = [int32(partition), int16(isLeader ? 0 : notLeader), int64(-1), int64(offset ?? -1)]
      const answer = compactArray([Buffer.concat([...fields, int32(0), noTags])])
      return Buffer.concat([compactString(topic), answer, noTags])
    })
    return Buffer.concat([int32(0), compactArray(answers), noTags])
  }

  async #fetch(node: number, fetch: FakeFetch): Promise<Buffer> {
    const deadline = performance.now() + fetch.maxWaitMs
    for (;;) {
      const partitions = fetch.positions.map(position => ({ ...position, ...this.#read(node, position) }))
      const hasSomething = partitions.some(
        ({ errorCode, records, divergence }) =>
          errorCode !== 0 || records.length > 0 || divergence !== undefined,
      )
      if (hasSomething || performance.now() >= deadline) return this.#fetched(node, partitions)
      await this.#sleep(deadline - performance.now())
    }
  }

  #fetched(node: number, partitions: readonly Fetched[]): Buffer {
    this.fetches[node]! += 1
    const topics = partitions.map(({ topicId, partition, errorCode, end, stable, records, divergence }) => {
      const head = [int32(partition), int16(errorCode), int64(end), int64(stable), int64(0), compactArray([])]
      const answer = Buffer.concat([...head, int32(-1), compactBytes(records), divergenceTags(divergence)])
      return Buffer.concat([Buffer.from(topicId, 'base64url'), compactArray([answer]), noTags])
    })
    return Buffer.concat([int32(0), int16(0), int32(0), compactArray(topics), noTags])
  }

  #read(node: number, position: FakeFetch['positions'][number]): Omit<Fetched, 'topicId' | 'partition'> {
    const topic = [...this.topics.values()].find(({ id }) => id.toString('base64url') === position.topicId)
    const partition = topic?.partitions[position.partition]
    const nothing = { end: -1, stable: -1, records: Buffer.alloc(0) }
    if (partition === undefined) return { ...nothing, errorCode: unknownTopicId }
    if (partition.leader !== node) return { ...nothing, errorCode: notLeader }
    const { first, end, stable, batches } = partition
    if (position.offset < first || position.offset > end) return { ...nothing, errorCode: outOfRange }
    const divergence = partition.divergence(position.offset, position.leaderEpoch)
    if (divergence !== undefined) return { ...nothing, errorCode: 0, end, stable, divergence }
    const isReadable = (batch: { end: number }) => batch.end > position.offset && batch.end <= stable
    const records = batches.filter(isReadable).slice(0, 20)
    return { errorCode: 0, end, stable, records: Buffer.concat(records.map(({ bytes }) => bytes)) }
  }

  #wake(): void {
    for (const wake of this.#sleepers) wake()
  }

  async #sleep(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    this.#sleepers.add(resolve)
    await promise
    clearTimeout(timer)
    this.#sleepers.delete(resolve)
  }
}

interface Fetched {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  readonly end: number
  readonly stable: number
  readonly records: Buffer
  readonly divergence?: Divergence
}

/** Its records are younger than any time. */
function offsetAt({ first, stable }: FakePartition, timeMs: number): number {
  if (timeMs === -1) return stable
  return timeMs === -2 || first < stable ? first : -1
}

/** Tag 0 of a partition that was fetched. */
function divergenceTags(divergence: Divergence | undefined): Buffer {
  if (divergence === undefined) return noTags
  const field = Buffer.concat([int32(divergence.leaderEpoch), int64(divergence.end), noTags])
  return Buffer.concat([uvarint(1), uvarint(0), uvarint(field.length), field])
}

function apiVersions(): Buffer {
  const apis = [1, 2, 3, 18].map(apiKey =>
    Buffer.concat([int16(apiKey), int16(0), int16(apiKey === 18 ? 2 : 17)]),
  )
  return Buffer.concat([int16(0), array(apis), int32(0)])
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server does not listen')
  return address.port
}
