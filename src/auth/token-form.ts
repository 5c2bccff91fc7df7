/** What is read before the signature is checked; real headers have some hundred bytes, with a chain of certificates some thousand. */
const longestHeader = 8192

/**
 * A JWS in compact form (RFC 7515 §7.1). The signature may be empty here, so that an unsigned token is refused for its
 * algorithm.
 */
const compactForm = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/

/** What is wrong with a token before anything of it is read, in words that do not show it; `undefined` where nothing is. */
export function formFaultOf(token: string, longestBytes: number): string | undefined {
  if (token.length > longestBytes) {
    return `${token.length} bytes, of which at most ${longestBytes} are taken; the issuer has to name fewer symbols, or *`
  }
  if (!compactForm.test(token)) return commonFaultOf(token) ?? 'not a signed JWT in compact form'
  return token.indexOf('.') > longestHeader ? `a header of more than ${longestHeader} bytes` : undefined
}

/** What happens to a good token on its way into a header or a message. */
function commonFaultOf(token: string): string | undefined {
  if (/^\s|\s$/.test(token)) return 'white space around it'
  if (/^["'`]|["'`]$/.test(token)) return 'quotes around it'
  if (/^Bearer\s/i.test(token))
    return 'begins with "Bearer", which belongs into the Authorization header alone'
  return /\s/.test(token) ? 'white space inside it' : undefined
}
