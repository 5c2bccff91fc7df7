import { readOptions, UsageError } from '../../src/commands/command-line.ts'

/** An option of a scenario. A list as the default makes it one that may be given several times. */
export type Option = WholeOption | ChoiceOption | TextOption | FlagOption

interface DescribedOption {
  /** For a number, with its unit. */
  readonly help: string
}

interface FlagOption extends DescribedOption {
  readonly default?: undefined
}

interface WholeOption extends DescribedOption {
  readonly default: number | readonly number[]
  /** The default under `--quick`, where it is another one. */
  readonly quick?: number
  /** 1 if left out. */
  readonly least?: number
  readonly most: number
}

interface ChoiceOption extends DescribedOption {
  readonly among: readonly string[]
  readonly default: string | readonly string[]
}

interface TextOption extends DescribedOption {
  /** Stands for the value in the help. */
  readonly placeholder: string
  readonly default?: string | undefined
}

/** The options of a scenario, by name. */
export type OptionTable = Readonly<Record<string, Option>>

/** The values of such options. */
export type Values<Table extends OptionTable> = { readonly [Name in keyof Table]: Value<Table[Name]> }

type Value<Own> = Own extends { readonly placeholder: string }
  ? string | undefined
  : Own extends { readonly among: readonly (infer Choice)[]; readonly default: infer Default }
    ? OneOrMany<Default, Choice>
    : Own extends { readonly most: number; readonly default: infer Default }
      ? OneOrMany<Default, number>
      : boolean

type OneOrMany<Default, One> = Default extends readonly unknown[] ? readonly One[] : One

type AnyValue = boolean | string | number | readonly (string | number)[] | undefined

/** `--rounds`, which every scenario has. */
export function roundsOption(count: number) {
  const help = 'everything is measured N times in turn; medians are shown'
  return { help, default: count, quick: 1, most: 100 } as const
}

const quick = { help: 'a short run: with the defaults that are marked so' }

/** Reads the arguments that follow a scenario's name. Throws a `UsageError`. */
export function readValues(table: OptionTable, args: readonly string[]): Values<OptionTable> {
  const config = Object.entries<Option>({ ...table, quick }).map(([name, option]) => {
    return [name, { type: isFlag(option) ? 'boolean' : 'string', multiple: isMany(option) }] as const
  })
  const given = readOptions({ args: [...args], options: Object.fromEntries(config) }).values
  const isQuick = given['quick'] === true
  const values = Object.entries(table).map(([name, option]): [string, AnyValue] => {
    if (isFlag(option)) return [name, given[name] === true]
    const value = given[name]
    if (value === undefined)
      return [name, (isQuick && 'quick' in option ? option.quick : undefined) ?? option.default]
    const read = [value].flat().map(text => readOne(name, option, String(text)))
    return [name, isMany(option) ? read : read[0]]
  })
  // Each kind of option was read as its type says.
  return Object.fromEntries(values) as Values<OptionTable>
}

function isFlag(option: Option): option is FlagOption {
  return !('placeholder' in option || 'most' in option || 'among' in option)
}

function isMany(option: Option): boolean {
  return Array.isArray(option.default)
}

function readOne(name: string, option: Option, text: string): string | number {
  if ('among' in option && !option.among.includes(text))
    throw new UsageError(`--${name} ${text}: expected ${option.among.join(', ')}`)
  if (!('most' in option)) return text
  const { least = 1, most } = option
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  throw new UsageError(`--${name} ${text}: expected a whole number, ${least} to ${most}`)
}

/** The arguments that ask for these values again; texts only where they are not the default. */
export function argumentsText(table: OptionTable, values: Values<OptionTable>): string {
  const texts = Object.entries(table).flatMap(([name, option]) => {
    const value: AnyValue = values[name]
    const isText = 'placeholder' in option && value === option.default
    if (value === undefined || value === false || isText) return []
    return value === true ? [`--${name}`] : [value].flat().map(one => `--${name} ${one}`)
  })
  return texts.join(' ')
}

/** A line for each option: its name, what it does and its default. */
export function optionsText(table: OptionTable): string {
  const lines = Object.entries<Option>({ ...table, quick, help: { help: 'shows this' } }).map(
    ([name, option]) => {
      const value = 'placeholder' in option ? option.placeholder : 'among' in option ? 'NAME' : 'N'
      return [
        isFlag(option) ? `--${name}` : `--${name} ${value}`,
        `${option.help}${defaultText(option)}`,
      ] as const
    },
  )
  const width = Math.max(...lines.map(([name]) => name.length))
  return lines.map(([name, help]) => `  ${name.padEnd(width)}  ${help}\n`).join('')
}

function defaultText(option: Option): string {
  if (isFlag(option) || option.default === undefined) return ''
  const choices = 'among' in option ? `; ${option.among.join(', ')}` : ''
  const several = isMany(option) ? '; may be given several times' : ''
  const quickly = 'quick' in option ? `; --quick: ${option.quick}` : ''
  return `${choices}${several} (${[option.default].flat().join(', ')}${quickly})`
}
