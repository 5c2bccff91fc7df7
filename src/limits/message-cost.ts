/** So much of its rate of messages a client may use at once (`PROTOCOL.md` §2). */
export const messageBurstMs = 4000
/** A message counts once more for each so many bytes. */
export const bytesPerMessage = 1024
