import type { Registry } from 'prom-client'
import type { HandshakeAdmission } from '../transport/handshake-admission.ts'
import type { ConnectionGate } from '../transport/connection-gate.ts'
import type { RefusalCounts } from '../transport/refusal-counts.ts'
import type { ServerCertificate } from '../app/server-certificate.ts'
import { declareCounter, declareGauge, rows, rowsByTransport } from './declare-metric.ts'

/** The parts between the network and a session. */
export interface ConnectionSources {
  readonly gate: ConnectionGate
  readonly admission: HandshakeAdmission
  readonly refusals: RefusalCounts
  /** `undefined` without TLS. */
  readonly certificate: ServerCertificate | undefined
}

/** Declares the metrics of connections that are not sessions yet. */
export function declareConnections(registry: Registry, sources: ConnectionSources): void {
  const { gate, admission, refusals, certificate } = sources
  declareGauge(registry, {
    name: 'ticker_handshakes_open',
    help: 'Connections that have not sent a complete request yet',
    hint: 'Many for long: somebody opens connections and sends nothing',
    aggregator: 'sum',
    read: () => gate.handshakes,
  })
  declareCounter(registry, {
    name: 'ticker_handshakes_ended_total',
    help: 'Connections ended before they had sent a complete request, by reason',
    hint:
      'A rise of late: slow or hostile peers. Of crowded: TICKER_MAX_HANDSHAKES is reached. Of ' +
      'address: one address that sends nothing has reached TICKER_MAX_CONNECTIONS_PER_ADDRESS. Of ' +
      'full: raise ulimit -n',
    labelNames: ['reason'],
    read: () => rows('reason', { ...gate.counts }),
  })
  declareCounter(registry, {
    name: 'ticker_handshakes_delayed_total',
    help: 'Handshakes that had to wait for their turn',
    hint: 'A rise: clients reconnect without a pause, or a node has left and its clients come here',
    read: () => admission.delayed,
  })
  declareCounter(registry, {
    name: 'ticker_handshakes_refused_total',
    help: 'Handshakes refused, by transport and reason',
    hint:
      'A rise of not_ready: a balancer ignores /readyz. Of address or rate: an address has too many ' +
      'connections, or clients reconnect without a pause. Of memory: see ticker_memory_state. Of ' +
      'the others: a client or a page is set up wrongly',
    labelNames: ['transport', 'reason'],
    read: () => rowsByTransport(refusals, counts => rows('reason', counts)),
  })
  declareGauge(registry, {
    name: 'ticker_tls_certificate_expiry_timestamp_seconds',
    help: 'Unix time until which the certificate of the stream is valid; 0 without TLS',
    hint: 'Near now: replace its files, which are read again',
    aggregator: 'min',
    read: () => (certificate === undefined ? 0 : certificate.validToMs / 1000),
  })
  declareCounter(registry, {
    name: 'ticker_tls_reloads_total',
    help: 'Times that new certificate files were found, by outcome',
    hint:
      'A rise of refused: the files do not belong together or cannot be read, and the former ' +
      'certificate expires',
    labelNames: ['outcome'],
    read: () => rows('outcome', certificate?.reloads ?? { taken: 0, refused: 0 }),
  })
}
