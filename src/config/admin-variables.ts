import { isLoopback } from '../auth/loopback.ts'
import { Secret } from '../secret.ts'
import { type Kind, kind, matching, port } from './kind.ts'
import { optional, withDefault } from './variable.ts'

const token = matching('at least 32 characters (to 512) without white space', /^[\x21-\x7e]{32,512}$/)

const secretToken: Kind<Secret> = {
  expected: token.expected,
  parse(text) {
    const parsed = token.parse(text)
    return 'fault' in parsed ? parsed : { value: new Secret(parsed.value) }
  },
}

/** Whoever is elsewhere comes through a tunnel that knows him (`ssh -L`, `kubectl port-forward`). */
const loopbackHost = kind('127.0.0.1, ::1 or localhost', value => (isLoopback(value) ? value : undefined))

export const adminVariables = {
  host: withDefault({
    name: 'TICKER_ADMIN_HOST',
    kind: loopbackHost,
    default: '127.0.0.1',
    doc: 'Address of the administration listener; loopback only.',
  }),
  port: withDefault({
    name: 'TICKER_ADMIN_PORT',
    kind: port,
    default: '9465',
    doc: 'Port of the administration listener; 0 takes a free one.',
  }),
  token: optional({
    name: 'TICKER_ADMIN_TOKEN',
    kind: secretToken,
    absent: 'none: no administration listener',
    doc: 'What administrators have to show; a secret of its own, such as `openssl rand -hex 32` makes.',
    isSecret: true,
  }),
}
