const slabBytes = 262_144

/**
 * Memory for frames that are written soon after they are made: what was written is written over, unless it is still to be sent.
 * With a buffer for each frame the memory outside of V8's heap grows by megabytes a flush, and V8 marks the whole heap again and
 * again to free it: a fifth of the CPU with 1,000 watch lists (docs/performance.md).
 */
export class FrameMemory {
  #slab = Buffer.allocUnsafeSlow(slabBytes)
  #end = 0
  /** Before this, something is still to be sent. */
  #kept = 0

  /** Bytes taken since the last `reuse`. */
  get taken(): number {
    return this.#end - this.#kept
  }

  /** So many bytes, with whatever is in them; good until `reuse` is called. */
  take(bytes: number): Buffer {
    if (bytes > slabBytes) return Buffer.allocUnsafeSlow(bytes)
    if (this.#end + bytes > slabBytes) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes)
      this.#end = 0
      this.#kept = 0
    }
    const start = this.#end
    this.#end += bytes
    return this.#slab.subarray(start, this.#end)
  }

  /** What was taken so far is in use for longer. */
  keep(): void {
    this.#kept = this.#end
  }

  /** What was taken and not kept may be written over. */
  reuse(): void {
    this.#end = this.#kept
  }
}
