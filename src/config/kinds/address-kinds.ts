import type { AllowedOrigins } from '../../auth/request-headers.ts'
import { type AddressRange, isLoopback, parseAddressRange } from '../../system/ip-address.ts'
import { type Kind, commaSeparated, kind } from './kind.ts'

/**
 * An origin as browsers send it (RFC 6454 §6.2), since it is compared with theirs: of a site, or of an app
 * that has a scheme of its own, such as capacitor, tauri or chrome-extension.
 */
const origin: Kind<string> = {
  expected: 'origins such as https://app.example.com or capacitor://localhost',
  parse(value) {
    if (value === 'null') return { fault: nullRule }
    const url = URL.parse(value)
    if (url === null || !/^[a-z][a-z\d+.-]*:\/\//i.test(value)) return { fault: `expected ${this.expected}` }
    const { protocol, hostname } = url
    const scheme = pageSchemes.get(protocol)
    if (scheme !== undefined)
      return { fault: `expected ${scheme} instead of ${protocol}//, the scheme of the page` }
    if (hostname.includes('*'))
      return { fault: `expected complete origins: "${value}" is compared literally` }
    const sent = protocol === 'file:' ? 'file://' : `${protocol}//${url.host.toLowerCase()}`
    if (sent === value) return { value }
    return { fault: `expected origins as browsers send them: ${sent} instead of ${value}` }
  },
}

/** Schemes that are mistaken for an origin's. */
const pageSchemes = new Map([
  ['ws:', 'http://'],
  ['wss:', 'https://'],
])

const nullRule =
  'expected named origins: any page can send null from a sandboxed frame; serve the page from a site of ' +
  'its own, or allow every origin with *'

/** `*`, or a list of origins. */
export const allowedOrigins: Kind<AllowedOrigins> = {
  expected: `* or ${commaSeparated(origin).expected}, without a path`,
  parse(value) {
    if (value === '*') return { value: '*' }
    const parsed = commaSeparated(origin).parse(value)
    return 'fault' in parsed ? parsed : { value: new Set(parsed.value) }
  },
}

/**
 * The URL of a service that is trusted, or that receives a secret. Over plain http anyone on the way could
 * replace a key, or read the secret, so http is for loopback only.
 */
export const secureUrl = kind('an https URL without user and password (http on loopback)', value => {
  const url = URL.parse(value)
  if (url === null || url.username !== '' || url.password !== '') return undefined
  const isLocal = url.protocol === 'http:' && isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
  return url.protocol === 'https:' || isLocal ? url.href : undefined
})

/**
 * An IP address or a range of addresses; not the range of all, since every client would then be trusted as a
 * proxy.
 */
export const addressRange: Kind<AddressRange> = {
  expected: 'IP addresses or ranges such as 10.0.0.0/8',
  parse(text) {
    const range = parseAddressRange(text)
    if (range === undefined) return { fault: `expected ${this.expected}` }
    if (range.bits > 0) return { value: range }
    return {
      fault: `${text} would trust every client as a proxy; name the proxies' addresses`,
    }
  },
}
