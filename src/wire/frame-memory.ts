const slabBytes = 262_144

/**
 * Memory for frames that are written as soon as they are made: each lies where the one before it lay, unless that is still to be
 * sent. With a buffer for each frame the memory outside of V8's heap grows by megabytes a flush, and V8 marks the whole heap again and
 * again to free it: a fifth of the CPU with 1,000 watch lists (docs/performance.md).
 */
export class FrameMemory {
  #slab = Buffer.allocUnsafeSlow(slabBytes)
  #start = 0
  #end = 0

  /** So many bytes, with whatever is in them; good until the next call. */
  take(bytes: number): Buffer {
    if (bytes > slabBytes) {
      this.#end = this.#start
      return Buffer.allocUnsafeSlow(bytes)
    }
    if (this.#start + bytes > slabBytes) {
      this.#slab = Buffer.allocUnsafeSlow(slabBytes)
      this.#start = 0
    }
    this.#end = this.#start + bytes
    return this.#slab.subarray(this.#start, this.#end)
  }

  /** What was taken last is in use for longer. */
  keep(): void {
    this.#start = this.#end
  }
}
