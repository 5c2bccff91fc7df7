const slabBytes = 262_144

/**
 * Memory for payloads that are written soon after they are made. Written payloads are overwritten, unless
 * they are still to be sent. With a buffer for each payload, memory outside of V8's heap would grow by
 * megabytes a flush, and V8 would mark the whole heap again and again to free it: a fifth of the CPU with
 * 1,000 watch lists (docs/performance.md).
 */
export class PayloadMemory {
  /** Where the bytes that were allocated last begin in their buffer. */
  start = 0
  #slab = Buffer.allocUnsafeSlow(slabBytes)
  #end = 0
  /** Payloads before this are still to be sent. */
  #kept = 0

  /** The bytes allocated since the last `reuse`. */
  get allocated(): number {
    return this.#end - this.#kept
  }

  /**
   * Allocates so many bytes, uninitialized, valid until `reuse`. Returns the buffer that has them, from
   * `start` on: a view would be one allocation more.
   */
  allocate(bytes: number): Buffer {
    this.start = 0
    if (bytes > slabBytes) return Buffer.allocUnsafeSlow(bytes)
    if (this.#end + bytes > slabBytes) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes)
      this.#end = 0
      this.#kept = 0
    }
    this.start = this.#end
    this.#end += bytes
    return this.#slab
  }

  /** Keeps everything that was allocated so far: it is in use for longer. */
  keep(): void {
    this.#kept = this.#end
  }

  /** Frees everything that was allocated and not kept. */
  reuse(): void {
    this.#end = this.#kept
  }
}
