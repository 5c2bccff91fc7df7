/**
 * How the figures of several workers become one of the node. `sum`: each worker's part. `most`, `least`: each worker sees all of it,
 * and the one that is worst off counts. `primary`: the primary's own. `each`: one series for each process, told apart by the label
 * `worker`.
 */
export type MetricRule = 'sum' | 'most' | 'least' | 'primary' | 'each'

/**
 * The metrics that are not summed. Counters among them count what every worker reads for itself, so that the node's is that of the
 * worker that has read most.
 */
export const metricRules: Readonly<Record<string, Exclude<MetricRule, 'sum' | 'each'>>> = {
  ticker_revocations: 'most',
  ticker_tls_certificate_expiry_timestamp_seconds: 'least',
  ticker_key_set_age_seconds: 'most',
  ticker_admin_requests_total: 'primary',
  ticker_items: 'most',
  ticker_items_forgotten_total: 'most',
  ticker_subscribed_items: 'most',
  ticker_tape_bytes: 'most',
  ticker_tape_events: 'most',
  ticker_tape_oldest_timestamp_seconds: 'most',
  ticker_warm_up_seconds: 'most',
  ticker_look_back_records_total: 'most',
  ticker_look_back_items_total: 'most',
  ticker_look_back_missing_items: 'most',
  ticker_memory_limit_bytes: 'least',
  ticker_memory_used_bytes: 'most',
  ticker_memory_state: 'most',
  ticker_tape_limit_bytes: 'least',
  ticker_events_total: 'most',
  ticker_records_total: 'most',
  ticker_records_ignored_total: 'most',
  ticker_poison_records_total: 'most',
  ticker_repaired_values_total: 'most',
  ticker_missed_offsets_total: 'most',
  ticker_split_items_total: 'most',
  ticker_ingest_lag_records: 'most',
  ticker_outage_seconds: 'most',
  ticker_newest_event_timestamp_seconds: 'least',
  ticker_log_unstable_offsets: 'most',
  ticker_log_stable_offset_stalled_seconds: 'most',
  ticker_build_info: 'primary',
  ticker_ready: 'primary',
  ticker_event_loop_delay_seconds: 'most',
  ticker_workers: 'primary',
  ticker_worker_restarts_total: 'primary',
}

/** The rule of a metric by its name. */
export function ruleOf(name: string): MetricRule {
  if (!name.startsWith('ticker_')) return 'each'
  return Object.hasOwn(metricRules, name) ? (metricRules[name] ?? 'sum') : 'sum'
}
