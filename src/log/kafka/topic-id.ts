/** Bytes of a topic id. */
export const topicIdBytes = 16

/** The topic id that stands for none. */
export const noTopicId = Buffer.alloc(topicIdBytes)

/** A topic id as Kafka prints it, which is the epoch of the topic's positions. */
export function epochOf(topicId: Buffer): string {
  return topicId.toString('base64url')
}

/** The topic id of an epoch; of what is none (a token may say anything), one that no topic has. */
export function topicIdOf(epoch: string): Buffer {
  const id = Buffer.from(epoch, 'base64url')
  return id.length === topicIdBytes ? id : noTopicId
}
