import type { Registry } from 'prom-client'
import type { HandshakeAdmission } from '../transport/handshake-admission.ts'
import type { ConnectionGate } from '../transport/connection-gate.ts'
import type { HandshakeRefusalCounts } from '../transport/websocket/handshake-check.ts'
import type { ServerCertificate } from '../app/server-certificate.ts'
import { declareCounter, declareGauge, rows } from './declare-metric.ts'

/** What stands between the network and a session. */
export interface ConnectionSources {
  readonly gate: ConnectionGate
  readonly admission: HandshakeAdmission
  readonly refusals: HandshakeRefusalCounts
  /** `undefined` without TLS. */
  readonly certificate: ServerCertificate | undefined
}

/** Declares what is known of connections before they are sessions. */
export function declareConnections(registry: Registry, sources: ConnectionSources): void {
  const { gate, admission, refusals, certificate } = sources
  declareGauge(
    registry,
    'ticker_handshakes_open',
    'Connections that have not sent a complete request yet. Many for long: somebody opens ' +
      'connections and sends nothing',
    [],
    () => gate.handshakes,
  )
  declareCounter(
    registry,
    'ticker_handshakes_ended_total',
    'Connections ended before they had sent a complete request, by reason. A rise of late: ' +
      'slow or hostile peers. Of crowded: TICKER_MAX_HANDSHAKES is reached. Of address: one ' +
      'address that sends nothing has reached TICKER_MAX_CONNECTIONS_PER_ADDRESS. Of full: ' +
      'raise ulimit -n',
    ['reason'],
    () => rows('reason', { ...gate.counts }),
  )
  declareCounter(
    registry,
    'ticker_handshakes_delayed_total',
    'Handshakes that had to wait for their turn. A rise: clients reconnect without a pause, ' +
      'or a node has left and its clients come here',
    [],
    () => admission.delayed,
  )
  declareCounter(
    registry,
    'ticker_handshakes_refused_total',
    'Handshakes refused, by reason. A rise of not_ready: a balancer ignores /readyz. Of ' +
      'address or rate: an address has too many connections, or clients reconnect without a ' +
      'pause. Of memory: see ticker_memory_state. Of the others: a client or a page is set up ' +
      'wrongly',
    ['reason'],
    () => rows('reason', refusals),
  )
  declareGauge(
    registry,
    'ticker_tls_certificate_expiry_timestamp_seconds',
    'Unix time until which the certificate of the stream is valid; 0 without TLS. Near now: ' +
      'replace its files, which are read again',
    [],
    () => (certificate === undefined ? 0 : certificate.validToMs / 1000),
  )
  declareCounter(
    registry,
    'ticker_tls_reloads_total',
    'Times that new certificate files were found, by outcome. A rise of refused: the files do ' +
      'not belong together or cannot be read, and the former certificate expires',
    ['outcome'],
    () => rows('outcome', certificate?.reloads ?? { taken: 0, refused: 0 }),
  )
}
