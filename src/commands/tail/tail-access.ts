import { readFile } from 'node:fs/promises'
import { trustedCertificates } from '../../auth/development-certificate.ts'
import { readDevelopmentKey, signDevelopmentToken } from '../../auth/development-token.ts'
import { readConfig, readMode } from '../../config/config-reader.ts'
import type { Config } from '../../config/config.ts'
import { TickerError, messageOf } from '../../diagnostics/ticker-error.ts'
import { isLoopback } from '../../system/ip-address.ts'
import { UsageError } from '../command-line.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Where to connect, and with which credentials. */
export interface TailAccess {
  readonly url: URL
  /** Called for each connection, so that a renewed token is used. */
  readonly token: () => Promise<string>
  /**
   * Certificates (PEM) of the authorities for the gateway's certificate; `undefined`: those that Node knows.
   */
  readonly trusted: () => Promise<string[] | undefined>
}

/** There is no token, or it cannot be read. */
class NoTokenError extends TickerError {
  readonly code = 'TICKER_NO_TOKEN'
}

/**
 * Reads the URL and the credentials from the environment where the command line leaves them open. Throws a
 * `TickerError` that names the cure.
 */
export function readAccess(env: Environment, asked: URL | undefined, feed?: string): TailAccess {
  const url = new URL(asked ?? urlOf(env))
  if (feed !== undefined) url.pathname = `${url.pathname.replace(/\/$/, '')}/${feed}`
  const isOwn = url.protocol === 'wss:' && isLocal(url) && readMode(env) === 'development'
  const trusted = async (): Promise<string[] | undefined> => (isOwn ? trustedCertificates() : undefined)
  return { url, token: tokenOf(env, url), trusted }
}

/** Whether a URL leads to this machine. */
export function isLocal({ hostname }: URL): boolean {
  return isLoopback(hostname.replaceAll(/^\[|\]$/g, ''))
}

function urlOf(env: Environment): URL {
  if (readMode(env) !== 'development') {
    throw new UsageError(
      'which gateway? --url wss://HOST, or TICKER_MODE=development for the one on this machine',
    )
  }
  const { host, port, protection } = readConfig(env).stream
  const scheme = protection.kind === 'plain' ? 'ws' : 'wss'
  return new URL(`${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}/v1/stream`)
}

function tokenOf(env: Environment, url: URL): () => Promise<string> {
  const { TICKER_TOKEN: token, TICKER_TOKEN_FILE: file } = env
  if (token) return async () => checkedToken('TICKER_TOKEN', token)
  if (file) return () => readToken(file)
  if (readMode(env) !== 'development') throw new NoTokenError(`no token; ${cure}`)
  if (!isLocal(url)) {
    throw new NoTokenError(`a development token is only for a gateway on this machine; ${cure}`)
  }
  if (keysOf(env) !== 'development') {
    throw new NoTokenError(`the gateway accepts tokens of your own issuer only; ${cure}`)
  }
  return mintDevelopmentToken
}

const cure = 'set TICKER_TOKEN, or TICKER_TOKEN_FILE to a file that holds it'

function keysOf(env: Environment): Config['auth']['keys']['kind'] {
  return readConfig(env).auth.keys.kind
}

async function readToken(file: string): Promise<string> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new NoTokenError(`TICKER_TOKEN_FILE=${file}: cannot be read (${messageOf(error)})`, {
      cause: error,
    })
  }
  return checkedToken(`TICKER_TOKEN_FILE=${file}`, text)
}

/** Returns the token without line ends. An error does not show text that is no token (RFC 6750 §2.1). */
function checkedToken(name: string, text: string): string {
  const token = text.trim()
  if (/^[\w.~+/-]+=*$/.test(token)) return token
  throw new NoTokenError(`${name}: expected a token, which consists of letters, digits and . _ -`)
}

async function mintDevelopmentToken(): Promise<string> {
  return signDevelopmentToken({
    key: await readDevelopmentKey('development'),
    subject: 'tail',
    scopes: ['stream'],
    feeds: '*',
    channels: '*',
    symbols: '*',
    lifetimeS: 43_200,
  })
}
