import { readFileSync, statSync } from 'node:fs'
import { distance } from 'fastest-levenshtein'
import { TickerError, messageOf } from '../diagnostics/ticker-error.ts'
import { type Environment, ServiceLinks, isQuoted, serviceLinkFault, trimmed } from './environment.ts'
import { variables } from './variables/all-variables.ts'
import type { Variable } from './variables/variable.ts'

/** The configuration is wrong. `faults` lists everything that is, one line each, without any secret. */
export class ConfigError extends TickerError {
  readonly code = 'TICKER_CONFIG'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
    super(`${count} in the configuration:\n${faults.map(fault => `  ${fault}`).join('\n')}`)
    this.faults = faults
  }
}

/**
 * The origin of a value: the variable that was set, its content as messages show it, and the text to parse.
 */
interface Found {
  readonly name: string
  readonly shown: string | undefined
  readonly text: string
}

const largestFileBytes = 65_536

/** Fatal, because editors on Windows may write UTF-16, of which nothing usable would be left. */
const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Variables of `npm run tail`, which may be set in the shell that starts a gateway. */
const clientVariables = ['TICKER_TOKEN', 'TICKER_TOKEN_FILE']

/**
 * Reads the variables that are needed from an environment and collects the faults; others are neither read
 * nor checked, but an unknown `TICKER_*` name is a fault. A variable with a fault has its fallback as value,
 * so that rules over several variables can continue; `isSet` tells it from an absent one.
 */
export class VariableReader {
  readonly #env: Environment
  readonly #found = new Map<Variable<unknown>, Found>()
  readonly #set = new Set<Variable<unknown>>()
  readonly #invalid = new Set<Variable<unknown>>()
  readonly #faults: string[] = []

  constructor(env: Environment, needed: Iterable<Variable<unknown>> = variables) {
    this.#env = env
    this.#findUnknown()
    for (const variable of needed) {
      this.#find(variable)
      this.#check(variable)
    }
  }

  /** One line for each fault, in the order found. */
  get faults(): readonly string[] {
    return this.#faults
  }

  /** Whether the variable, or its `_FILE`, has a value, valid or not. An empty one counts as absent. */
  isSet(variable: Variable<unknown>): boolean {
    return this.#set.has(variable)
  }

  /** Whether the variable's own value has a fault. */
  isInvalid(variable: Variable<unknown>): boolean {
    return this.#invalid.has(variable)
  }

  /** Returns the values of several variables under their keys. */
  values<Section extends Readonly<Record<string, Variable<unknown>>>>(section: Section): ValuesOf<Section> {
    const entries = Object.entries(section).map(([name, variable]) => [name, this.value(variable)])
    return Object.fromEntries(entries) as ValuesOf<Section>
  }

  value<T>(variable: Variable<T>): T {
    const found = this.#found.get(variable)
    if (found === undefined || this.#invalid.has(variable)) return variable.fallback
    const parsed = variable.kind.parse(found.text)
    return 'fault' in parsed ? variable.fallback : parsed.value
  }

  /** Adds a fault: the rule that the variable breaks, and the cure. */
  fault(variable: Variable<unknown>, rule: string): void {
    const { name, shown } = this.#found.get(variable) ?? { name: variable.name, shown: undefined }
    this.#faults.push(`${name}${shown === undefined ? '' : `=${shown}`}: ${rule}`)
  }

  #find(variable: Variable<unknown>): void {
    const { name, isSecret } = variable
    const text = trimmed(this.#env[name] ?? '', isSecret)
    const fileName = `${name}_FILE`
    const path = isSecret ? trimmed(this.#env[fileName] ?? '', false) : ''
    if (text !== '' || path !== '') this.#set.add(variable)
    if (text !== '') {
      this.#found.set(variable, { name, shown: isSecret ? undefined : shownValue(text), text })
      if (path !== '') this.fault(variable, `${fileName} is set as well; unset one of them`)
      if (isQuoted(text)) this.#refuse(variable, quoteRule(fileName, isSecret))
    } else if (path !== '') {
      this.#findInFile(variable, fileName, path)
    }
  }

  #findInFile(variable: Variable<unknown>, name: string, path: string): void {
    const shown = shownValue(path)
    try {
      const text = trimmed(readSmallFile(path), true)
      if (text === '') throw new RangeError('it is empty')
      this.#found.set(variable, { name, shown, text })
    } catch (error) {
      this.#invalid.add(variable)
      // Node's messages continue with the path, which `shown` may have shortened.
      const [why] = messageOf(error).split(', ')
      this.#faults.push(`${name}=${shown}: cannot be read (${why}); name a file that holds the value`)
    }
  }

  #check(variable: Variable<unknown>): void {
    const found = this.#found.get(variable)
    if (found === undefined || this.#invalid.has(variable)) return
    const parsed = variable.kind.parse(found.text)
    if ('fault' in parsed) this.#refuse(variable, serviceLinkFault(found.name, found.text) ?? parsed.fault)
  }

  #refuse(variable: Variable<unknown>, rule: string): void {
    this.#invalid.add(variable)
    this.fault(variable, rule)
  }

  /**
   * Adds faults for unknown names, since a misspelt variable would be ignored silently. The value is not
   * shown: it may be a secret.
   */
  #findUnknown(): void {
    const known = new Set<string>([...clientVariables, ...variables.map(variable => variable.name)])
    for (const variable of variables) if (variable.isSecret) known.add(`${variable.name}_FILE`)
    const links = new ServiceLinks(this.#env)
    for (const name of Object.keys(this.#env)) {
      if (!name.startsWith('TICKER_') || name.startsWith('TICKER_TEST_')) continue
      if (known.has(name) || links.has(name)) continue
      const nearest = nearestName(name, known)
      const cure = nearest === undefined ? '--help lists the known ones' : `did you mean ${nearest}?`
      this.#faults.push(`${shownValue(name)}: no such variable; ${cure}`)
    }
  }
}

function quoteRule(fileName: string, isSecret: boolean): string {
  const elsewhere = isSecret ? `, or put a value that has them into a file (${fileName})` : ''
  return `the quotes are part of the value (docker --env-file keeps them); leave them out${elsewhere}`
}

function readSmallFile(path: string): string {
  const stats = statSync(path)
  if (!stats.isFile()) throw new TypeError('not a regular file')
  if (stats.size > largestFileBytes) throw new RangeError(`more than ${largestFileBytes} bytes`)
  return utf8.decode(readFileSync(path))
}

/**
 * Returns a value on one line, shortened, without a possible password: everything before an `@` or after a
 * `?`.
 */
function shownValue(text: string): string {
  const open = text.replace(/^.*@/s, '…@').replace(/\?.*$/s, '?…')
  const short = open.length > 120 ? `${open.slice(0, 120)}…` : open
  return short.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, control => `\\u${hex(control)}`)
}

function hex(control: string): string {
  return control.charCodeAt(0).toString(16).padStart(4, '0')
}

/** The types of a section's values. */
type ValuesOf<Section extends Readonly<Record<string, Variable<unknown>>>> = {
  readonly [Name in keyof Section]: Section[Name] extends Variable<infer Value> ? Value : never
}

/**
 * Returns the name that `text` was most likely meant to be: the one at the smallest Levenshtein distance, if
 * that is at most a third of the name's length.
 */
export function nearestName(text: string, names: Iterable<string>): string | undefined {
  let nearest: string | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (const name of names) {
    // The distance is at least the difference in length, which bounds the work on long texts.
    if (Math.abs(name.length - text.length) * 3 > name.length) continue
    const count = distance(text, name)
    if (count * 3 <= name.length && count < fewest) {
      nearest = name
      fewest = count
    }
  }
  return nearest
}
