/** A worker that says that it listens, and then nothing. */
process.send?.({ messages: [{ kind: 'notice', body: {} }] })
setInterval(() => undefined, 60_000)
