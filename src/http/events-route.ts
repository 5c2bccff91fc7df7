import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal, sendAnswer } from './answer.ts'
import { dropRest } from './publish/body-bytes.ts'
import { unsupportedType } from './publish/body-format.ts'
import type { EventIntake } from './publish/event-intake.ts'

const path = '/v1/events'

/** Serves `POST /v1/events`: the events of a request, whole or not at all, into the log. */
export async function serveEvents(app: FastifyInstance, intake: EventIntake): Promise<void> {
  await app.register(async scope => {
    // The body stays unread until its sender is known to be one that may publish.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', (_request, _body, done) => done(null))
    scope.setErrorHandler((error, request, reply) => answerFault({ error, request, reply, intake }))
    scope.post(path, async (request, reply) => {
      const answer = await intake.answer(request.raw, reply.raw)
      if (answer === undefined) return reply.hijack()
      dropRest(request.raw, intake.bodyTimeoutMs)
      return await sendAnswer(reply, answer)
    })
    scope.route({
      method: scope.supportedMethods.filter(method => method !== 'POST'),
      url: path,
      handler: async (request, reply) => {
        intake.counts.requests[405]++
        dropRest(request.raw, intake.bodyTimeoutMs)
        await sendAnswer(reply, wrongMethod)
      },
    })
  })
}

const wrongMethod = new Refusal(405, `expected POST ${path}`, { headers: { allow: 'POST' } })

interface Fault {
  readonly error: unknown
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  readonly intake: EventIntake
}

/** Fastify itself refuses a `Content-Type` that is none; anything else is a fault of ours, of which a peer learns nothing. */
async function answerFault({ error, request, reply, intake }: Fault): Promise<void> {
  const isMediaType =
    error instanceof Error && 'code' in error && error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
  if (!isMediaType) request.log.error(error, `${request.method} ${path} failed`)
  const refusal = isMediaType ? unsupportedType() : new Refusal(500, 'internal error')
  intake.counts.requests[refusal.status]++
  dropRest(request.raw, intake.bodyTimeoutMs)
  await sendAnswer(reply, refusal)
}
