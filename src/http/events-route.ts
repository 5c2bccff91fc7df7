import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal, sendAnswer } from './answer.ts'
import { drainRest } from './publish/body-bytes.ts'
import { unsupportedType } from './publish/body-format.ts'
import type { EventIntake } from './publish/event-intake.ts'

const path = '/v1/events'

/** Serves `POST /v1/events`: appends the events of a request to the log, all or none. */
export async function serveEvents(app: FastifyInstance, intake: EventIntake): Promise<void> {
  await app.register(async scope => {
    // The body is not read before the sender is known to have the right to publish.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _body, done) => done(null))
    scope.setErrorHandler((error, request, reply) => answerFault({ error, request, reply, intake }))
    scope.post(path, async (request, reply) => {
      const answer = await intake.handle(request.raw, reply.raw)
      if (answer === undefined) return reply.hijack()
      drainRest(request.raw, intake.bodyTimeoutMs)
      return await sendAnswer(reply, answer)
    })
    scope.route({
      method: scope.supportedMethods.filter(method => !elsewhere.includes(method)),
      url: path,
      handler: async (request, reply) => {
        intake.counts.requests[405]++
        drainRest(request.raw, intake.bodyTimeoutMs)
        await sendAnswer(reply, wrongMethod)
      },
    })
  })
}

/** Appending here, events for subscribers at the same path (`transport/sse`). */
const elsewhere = ['POST', 'GET', 'HEAD', 'OPTIONS']

const wrongMethod = new Refusal(405, `expected POST ${path} to publish, or GET to receive events`, {
  headers: { allow: 'GET, HEAD, POST, OPTIONS' },
})

interface Fault {
  readonly error: unknown
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly intake: EventIntake
}

/**
 * Fastify refuses a malformed `Content-Type`; any other error is a fault of ours, whose details stay in the
 * log.
 */
async function answerFault({ error, request, reply, intake }: Fault): Promise<void> {
  const isMediaType =
    error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
  if (!isMediaType) request.log.error(error, `${request.method} ${path} failed`)
  const refusal = isMediaType ? unsupportedType() : new Refusal(500, 'internal error')
  intake.counts.requests[refusal.status]++
  drainRest(request.raw, intake.bodyTimeoutMs)
  await sendAnswer(reply, refusal)
}
