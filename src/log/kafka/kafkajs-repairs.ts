import Connection from 'kafkajs/src/network/connection.js'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { messageOf } from '../../ticker-error.ts'
import { KafkaError } from './kafka-error.ts'

let isRepaired = false

/**
 * Mends two faults of kafkajs 2.2.4 in this process. An idle request queue re-arms a timer of 1 ms for ever (2.3 % CPU, and a
 * warning from Node): it has something to wait for only while requests are pending. And bytes that are not
 * Kafka's throw inside the socket's listener, which would end the process: they end the connection.
 */
export function repairKafkajs(): void {
  if (isRepaired) return
  isRepaired = true
  const { scheduleCheckPendingRequests } = RequestQueue.prototype
  RequestQueue.prototype.scheduleCheckPendingRequests = function schedule() {
    if (this.pending.length > 0) scheduleCheckPendingRequests.call(this)
  }
  const { processData } = Connection.prototype
  Connection.prototype.processData = function process(bytes) {
    try {
      processData.call(this, bytes)
    } catch (error) {
      this.socket?.destroy(error instanceof Error ? error : new KafkaError(messageOf(error)))
    }
  }
}
