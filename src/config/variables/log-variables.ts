import { defaultTopics } from '../../log/topics.ts'
import {
  hostAndPort,
  fileName,
  singleLine,
  commaSeparated,
  textMatching,
  oneOf,
  wholeNumber,
} from '../kinds/kind.ts'
import { optional, required, withDefault } from './variable.ts'

export const kafkaVariables = {
  brokers: required({
    name: 'TICKER_KAFKA_BROKERS',
    kind: commaSeparated(hostAndPort),
    doc: 'Brokers to start from. Development without them uses the embedded log.',
  }),
  clientId: withDefault({
    name: 'TICKER_KAFKA_CLIENT_ID',
    kind: textMatching('1 to 100 letters, digits, ".", "_" or "-"', /^[A-Za-z0-9._-]{1,100}$/),
    default: 'ticker-gateway',
    doc: "Name in the brokers' logs and quotas.",
  }),
}

/** Kafka's own rule (`org.apache.kafka.common.internals.Topic`). */
const topic = textMatching(
  'a topic name: 1 to 249 letters, digits, ".", "_" or "-"',
  /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/,
)

export const topicVariables = {
  trades: withDefault({
    name: 'TICKER_TOPIC_TRADES',
    kind: topic,
    default: defaultTopics.trades,
    doc: 'Topic of trades, corrections and cancels.',
  }),
  quotes: withDefault({
    name: 'TICKER_TOPIC_QUOTES',
    kind: topic,
    default: defaultTopics.quotes,
    doc: 'Topic of quotes.',
  }),
  bars: withDefault({
    name: 'TICKER_TOPIC_BARS',
    kind: topic,
    default: defaultTopics.bars,
    doc: 'Topic of minute bars, updated bars and daily bars.',
  }),
  statuses: withDefault({
    name: 'TICKER_TOPIC_STATUSES',
    kind: topic,
    default: defaultTopics.statuses,
    doc: 'Topic of trading statuses and LULD bands.',
  }),
  news: withDefault({
    name: 'TICKER_TOPIC_NEWS',
    kind: topic,
    default: defaultTopics.news,
    doc: 'Topic of news.',
  }),
}

export const deadLetterVariables = {
  topic: optional({
    name: 'TICKER_TOPIC_DEAD_LETTERS',
    kind: topic,
    absent: 'none',
    doc: 'Topic in Kafka that poison records are copied to, with the reason in headers.',
  }),
}

export const embeddedVariables = {
  path: withDefault({
    name: 'TICKER_EMBEDDED_PATH',
    kind: fileName,
    default: '.ticker/log.sqlite',
    doc: 'File of the embedded log.',
    isForDevelopment: true,
  }),
  retentionBytes: withDefault({
    name: 'TICKER_EMBEDDED_RETENTION_BYTES',
    kind: wholeNumber(1_048_576, 1_099_511_627_776, 'bytes'),
    default: '1073741824',
    doc: 'Size past which the embedded log drops its oldest records.',
    isForDevelopment: true,
  }),
  retentionMs: withDefault({
    name: 'TICKER_EMBEDDED_RETENTION_MS',
    kind: wholeNumber(1000, 31_536_000_000, 'milliseconds'),
    default: '3600000',
    doc: 'Age past which the embedded log drops records.',
    isForDevelopment: true,
  }),
}

export const demoVariables = {
  feed: optional({
    name: 'TICKER_DEMO',
    kind: oneOf(['on', 'off']),
    absent: 'on in development on the embedded log, else off',
    doc: 'on publishes a generated market; only in development on the embedded log.',
  }),
  seed: withDefault({
    name: 'TICKER_DEMO_SEED',
    kind: wholeNumber(0, 4_294_967_295),
    default: '1',
    doc: 'Seed of the generated market; the same seed gives the same events.',
    isForDevelopment: true,
  }),
}

export const ingestVariables = {
  warmUpRecords: withDefault({
    name: 'TICKER_WARMUP_RECORDS',
    kind: wholeNumber(0, 10_000_000, 'records'),
    default: '10000',
    doc: 'Records of each partition that are read back at start.',
  }),
  lookBackRecords: withDefault({
    name: 'TICKER_LOOK_BACK_RECORDS',
    kind: wholeNumber(0, 100_000_000, 'records'),
    default: '1000000',
    doc:
      'Records of each partition, before those, that are searched at start for last events of symbols ' +
      'that lack one; 0: none.',
  }),
  lookBackMs: withDefault({
    name: 'TICKER_LOOK_BACK_MS',
    kind: wholeNumber(100, 3_600_000, 'milliseconds'),
    default: '10000',
    doc: 'Time after which the node becomes ready without them.',
  }),
  windowBytes: withDefault({
    name: 'TICKER_TAPE_BYTES',
    kind: wholeNumber(1_048_576, 68_719_476_736, 'bytes'),
    default: '134217728',
    doc:
      'Memory of each process for recent events, from which resuming sessions are served; older ones are ' +
      'read from the log.',
  }),
  windowMs: withDefault({
    name: 'TICKER_TAPE_MS',
    kind: wholeNumber(1000, 86_400_000, 'milliseconds'),
    default: '120000',
    doc: 'The longest time for which an event is kept there.',
  }),
  maxEventBytes: withDefault({
    name: 'TICKER_MAX_EVENT_BYTES',
    kind: wholeNumber(65_536, 1_048_576, 'bytes'),
    default: '262144',
    doc: 'Largest record value; a larger one is skipped as poison.',
  }),
  maxItems: withDefault({
    name: 'TICKER_MAX_ITEMS',
    kind: wholeNumber(1, 10_000_000),
    default: '200000',
    doc: 'Items whose last event this node keeps; a further one replaces the one that has been idle longest.',
  }),
  decoder: optional({
    name: 'TICKER_DECODER',
    kind: singleLine(1024),
    absent: 'JSON and MessagePack',
    doc: 'Path (./ or absolute) or package name of a decoder module, for a format of your own.',
  }),
}
