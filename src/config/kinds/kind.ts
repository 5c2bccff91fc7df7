import { accessSync, constants, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { Secret } from '../../diagnostics/secret.ts'
import { parseIpAddress } from '../../system/ip-address.ts'

/** The result of parsing a text: its value, or the rule that it breaks. */
type Parsed<T> = { readonly value: T } | { readonly fault: string }

/** A kind of value that a variable can have. */
export interface Kind<T> {
  /** The accepted values, in words; continues a sentence after "expected". */
  readonly expected: string
  parse(text: string): Parsed<T>
}

/** Creates a kind whose only rule is that `parse` returns a value. */
export function kind<T>(expected: string, parse: (text: string) => T | undefined): Kind<T> {
  const fault = `expected ${expected}`
  return {
    expected,
    parse(text) {
      const value = parse(text)
      return value === undefined ? { fault } : { value }
    },
  }
}

/** A kind whose value does not show itself. */
export function secret(text: Kind<string>): Kind<Secret> {
  return {
    expected: text.expected,
    parse(value) {
      const parsed = text.parse(value)
      return 'fault' in parsed ? parsed : { value: new Secret(parsed.value) }
    },
  }
}

/** One of several words. */
export function oneOf<const T extends string>(words: readonly T[]): Kind<T> {
  const expected = [words.slice(0, -1).join(', '), words.at(-1)].join(' or ')
  return kind(expected, text => words.find(word => word === text))
}

/** A whole number in decimal digits, bounds included; `unit` is a plural such as `milliseconds`. */
export function wholeNumber(lowest: number, highest: number, unit?: string): Kind<number> {
  const what = unit === undefined ? 'a whole number' : `whole ${unit}`
  return kind(`${what}, ${lowest} to ${highest}`, text => {
    if (!/^\d{1,15}$/.test(text)) return undefined
    const value = Number(text)
    return value >= lowest && value <= highest ? value : undefined
  })
}

export const port = wholeNumber(0, 65_535)

/** Text of up to `longest` characters, without control characters. */
export function singleLine(longest: number): Kind<string> {
  return kind(`text of 1 to ${longest} characters`, value =>
    value.length <= longest && !/\p{Cc}/u.test(value) ? value : undefined,
  )
}

/** Text that matches a pattern; `expected` states it in words. */
export function textMatching(expected: string, pattern: RegExp): Kind<string> {
  return kind(expected, value => (pattern.test(value) ? value : undefined))
}

/**
 * Values separated by commas, each once; white space around them is ignored. A value's own fault is passed on
 * where it says more than its rule.
 */
export function commaSeparated<T>(part: Kind<T>): Kind<readonly T[]> {
  const expected = `a comma-separated list of ${part.expected}`
  const rule = `expected ${part.expected}`
  return {
    expected,
    parse(list) {
      const values = new Set<T>()
      for (const entry of list.split(',').map(piece => piece.trim())) {
        const parsed = part.parse(entry)
        if ('fault' in parsed) return parsed.fault === rule ? { fault: `expected ${expected}` } : parsed
        values.add(parsed.value)
      }
      return { value: [...values] }
    },
  }
}

/** An IP address without brackets, or a host name. */
export const host = kind('an IP address or a host name', value => (isHost(value) ? value : undefined))

/** `host:port`, with brackets around an IPv6 address. */
export const hostAndPort = kind('host:port', value => {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*)):(\d{1,5})$/.exec(value)
  if (match === null) return undefined
  const [, ipv6, name, digits] = match
  const isKnown = ipv6 === undefined ? isHost(name ?? '') : isIP(ipv6) === 6
  const number = Number(digits)
  return isKnown && number >= 1 && number <= 65_535 ? value : undefined
})

/** The path of a file that can be read now; its content is for others to check. */
export const readableFile = kind('the path of a file that can be read', value => {
  try {
    accessSync(value, constants.R_OK)
    return statSync(value).isFile() ? value : undefined
  } catch {
    return undefined
  }
})

/** The path of a file that exists or will be created. */
export const fileName: Kind<string> = {
  expected: 'the path of a file',
  parse(path) {
    const parsed = singleLine(1024).parse(path)
    if ('fault' in parsed || !isFolder(path)) return parsed
    return { fault: `expected ${this.expected}; this is a folder` }
  },
}

/** An address that a program can listen on, or the name of one. */
export const listenHost: Kind<string> = {
  expected: host.expected,
  parse(text) {
    const address = parseIpAddress(text)
    const range = address?.range()
    if (range === 'multicast' || range === 'broadcast') {
      return { fault: `expected an address of this machine; nothing can listen on ${range}` }
    }
    if (range === 'linkLocal' && address?.kind() === 'ipv6' && !text.includes('%')) {
      return { fault: `expected the network card behind a link-local address, such as ${text}%eth0` }
    }
    return host.parse(text)
  },
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function isHost(value: string): boolean {
  if (isIP(value) !== 0) return true
  const labels = value.split('.')
  const isNumeric = /^\d+$/.test(labels.at(-1) ?? '')
  return value.length <= 253 && !isNumeric && labels.every(label => labelPattern.test(label))
}

/** RFC 1123 §2.1; the underscore occurs in names of containers. */
const labelPattern = /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/
