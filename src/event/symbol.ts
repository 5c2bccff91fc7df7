/** A symbol: a letter or digit, then up to 31 letters, digits, `.`, `_`, `/` or `-` (`AAPL`, `BRK.B`, `BTC/USD`). */
export const symbolPattern = '^[A-Za-z0-9][A-Za-z0-9._/-]{0,31}$'

const pattern = new RegExp(symbolPattern)

/** Whether the text is a well-formed symbol. */
export function isSymbol(text: string): boolean {
  return pattern.test(text)
}
