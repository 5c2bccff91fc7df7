import { checkDevelopmentKey } from '../auth/development-key.ts'
import { ConfigError } from '../config/config-error.ts'
import type { Config } from '../config/config.ts'
import { checkLogFile } from '../log/embedded/log-file.ts'
import { messageOf } from '../ticker-error.ts'
import { openDecoder } from './open-decoder.ts'
import { ServerCertificate } from './server-certificate.ts'

/**
 * Looks at what a start would open on this machine: decoder, certificate, keys, embedded log. Rejects with a `ConfigError` of everything that
 * would be refused; makes and changes nothing.
 */
export async function checkStart({ ingest, stream, auth, log }: Config): Promise<void> {
  const { protection } = stream
  const checks: Promise<unknown>[] = [openDecoder(ingest.decoder)]
  if (protection.kind === 'tls') checks.push(ServerCertificate.read(protection))
  if (auth.keys.kind === 'development') checks.push(checkDevelopmentKey())
  if (log.kind === 'embedded') checks.push(Promise.try(checkLogFile, log.path))
  const faults = (await Promise.allSettled(checks)).flatMap(outcome =>
    outcome.status === 'rejected' ? [messageOf(outcome.reason)] : [],
  )
  if (faults.length > 0) throw new ConfigError(faults)
}
