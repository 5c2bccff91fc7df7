import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { SetUpError } from './required-programs.ts'

const run = promisify(execFile)

export const kafkaVersion = '4.3.1'
const log4jVersion = '2.24.3'
const copyGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/** Kafka's own POM depends on slf4j 1.7 and on no binding for it. */
const dependencies = [
  ['org.apache.kafka', 'kafka_2.13', kafkaVersion],
  ['org.apache.logging.log4j', 'log4j-core', log4jVersion],
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', log4jVersion],
] as const

/** The folder of Kafka's jars and their dependencies, in a cache that git ignores. */
export const jarsFolder = join(import.meta.dirname, `../../.cache/kafka-${kafkaVersion}/libs`)

/** Returns the folder of the jars; throws a `SetUpError` if they have not been fetched. */
export function kafkaJars(): string {
  if (!existsSync(jarsFolder)) throw new SetUpError(`Kafka ${kafkaVersion}`)
  return jarsFolder
}

/**
 * Has Maven fetch the jars (43 MB). They get their final folder by a rename, so an interrupted download is
 * never taken for a complete one.
 */
export async function fetchKafkaJars(maven: string): Promise<void> {
  await mkdir(dirname(jarsFolder), { recursive: true })
  const folder = await mkdtemp(`${jarsFolder}-`)
  try {
    await writeFile(join(folder, 'pom.xml'), pom())
    const output = join(folder, 'libs')
    await copyDependencies(maven, folder, output)
    await rename(output, jarsFolder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function copyDependencies(maven: string, folder: string, output: string): Promise<void> {
  const goal = [copyGoal, '-DincludeScope=runtime', `-DoutputDirectory=${output}`]
  try {
    await run(maven, ['-q', '-B', ...goal], { cwd: folder, timeout: 540_000 })
  } catch (error) {
    // Maven writes its errors to standard output.
    const text = error instanceof Error && 'stdout' in error ? String(error.stdout).trim() : ''
    throw new Error(`Maven could not fetch Kafka ${kafkaVersion}\n${text}`, { cause: error })
  }
}

function pom(): string {
  const entries = dependencies.map(
    ([group, artifact, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId>` +
      `<version>${version}</version></dependency>`,
  )
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion>
<groupId>ticker</groupId><artifactId>test-kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${entries.join('\n')}
</dependencies>
</project>
`
}
