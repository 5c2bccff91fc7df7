/** ASCII punctuation except `"`, `,` and `\`, as part of a character class. */
const punctuation = '!#-+\\-.\\/:-@\\[\\]^-`{-~'
const first = `[\\p{L}\\p{N}${punctuation}]`
const inner = `[\\p{L}\\p{M}\\p{N}${punctuation} ]`
const last = `[\\p{L}\\p{M}\\p{N}${punctuation}]`

/**
 * A symbol (PROTOCOL.md §5): 1 to 64 letters and digits of any script, with their marks, and ASCII
 * punctuation except `"`, `,` and `\`, with spaces between them; not `*` alone. A pattern of ECMA-262 with
 * the flag `u`.
 */
export const symbolPattern = `^(?!\\*$)${first}(?:${inner}{0,62}${last})?$`

/** The pattern in words. */
export const symbolRule =
  'a symbol of 1 to 64 letters, digits and ASCII punctuation other than " , and \\ ' +
  '(spaces between them; not * alone)'

const pattern = new RegExp(symbolPattern, 'u')
/** The pattern for ASCII symbols, which nearly all are: 3 times as fast, and always in NFC. */
const asciiPattern = /^[!#-+\--[\]-~](?:[ !#-+\--[\]-~]{0,62}[!#-+\--[\]-~])?$/
/**
 * A longer text has more than 64 characters in NFC: of four code points in NFD at least one remains, and each
 * has at most two UTF-16 units.
 */
const maxTextLength = 512

/**
 * Whether a text is a well-formed symbol in NFC (Unicode Standard Annex #15), the form in which symbols are
 * compared.
 */
export function isSymbol(text: string): boolean {
  return asciiPattern.test(text) ? text !== '*' : toSymbol(text) === text
}

/**
 * Returns the symbol that a text from outside stands for: the text in NFC; `undefined` if that is not a
 * symbol.
 */
export function toSymbol(text: string): string | undefined {
  if (asciiPattern.test(text)) return text === '*' ? undefined : text
  if (text.length > maxTextLength) return undefined
  const normal = text.normalize('NFC')
  return pattern.test(normal) ? normal : undefined
}
