/** ASCII punctuation except `"`, `,` and `\`, as a part of a character class. */
const punctuation = '!#-+\\-.\\/:-@\\[\\]^-`{-~'
const first = `[\\p{L}\\p{N}${punctuation}]`
const inner = `[\\p{L}\\p{M}\\p{N}${punctuation} ]`
const last = `[\\p{L}\\p{M}\\p{N}${punctuation}]`

/**
 * A symbol (PROTOCOL.md §5): 1 to 64 letters and digits of any script, with their marks, and ASCII
 * punctuation except `"`, `,` and `\`; spaces between them; not `*` alone. A pattern of ECMA-262 with the
 * flag `u`.
 */
export const symbolPattern = `^(?!\\*$)${first}(?:${inner}{0,62}${last})?$`

/** The same in words. */
export const symbolRule =
  'a symbol of 1 to 64 letters, digits and ASCII punctuation other than " , and \\ (spaces between them; not * alone)'

const pattern = new RegExp(symbolPattern, 'u')
/** The same for ASCII, of which nearly all symbols are: 3 times as fast, and in NFC as it is. */
const asciiPattern = /^[!#-+\--[\]-~](?:[ !#-+\--[\]-~]{0,62}[!#-+\--[\]-~])?$/
/**
 * No longer text has 64 characters in NFC: of four code points in NFD one remains at most, each of two UTF-16
 * units.
 */
const longestText = 512

/**
 * Whether the text is a well-formed symbol in NFC (Unicode Standard Annex #15), the form in which symbols are
 * compared.
 */
export function isSymbol(text: string): boolean {
  return asciiPattern.test(text) ? text !== '*' : toSymbol(text) === text
}

/** The symbol that a text from outside means: the text in NFC; `undefined` where that is no symbol. */
export function toSymbol(text: string): string | undefined {
  if (asciiPattern.test(text)) return text === '*' ? undefined : text
  if (text.length > longestText) return undefined
  const normal = text.normalize('NFC')
  return pattern.test(normal) ? normal : undefined
}
