import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { withLock } from './lock.ts'
import { maven, type Requirements } from './requirements.ts'

const run = promisify(execFile)

const kafkaVersion = '4.3.1'
const log4jVersion = '2.24.3'
const copyGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

/** Kafka's own POM carries slf4j 1.7, and no binding for it. */
const dependencies = [
  ['org.apache.kafka', 'kafka_2.13', kafkaVersion],
  ['org.apache.logging.log4j', 'log4j-core', log4jVersion],
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', log4jVersion],
] as const

const cacheFolder = join(import.meta.dirname, '../../.cache')
const jarsFolder = join(cacheFolder, `kafka-${kafkaVersion}/libs`)

/**
 * The folder with Kafka and all it needs. Maven resolves it once (43 MB) into a cache that git ignores;
 * several processes may ask at once.
 */
export async function kafkaJars(requirements: Requirements): Promise<string> {
  if (existsSync(jarsFolder)) return jarsFolder
  return withLock(join(cacheFolder, 'kafka.lock'), async () => {
    if (!existsSync(jarsFolder)) await download(requirements)
    return jarsFolder
  })
}

/** Into a folder beside the final one, then renamed: an interrupted download is never taken for a whole one. */
async function download(requirements: Requirements): Promise<void> {
  const mvn = await requirements.ensure(maven)
  requirements.report(`Kafka ${kafkaVersion}: Maven fetches it (43 MB, about a minute, once) …`)
  await mkdir(dirname(jarsFolder), { recursive: true })
  const folder = await mkdtemp(`${jarsFolder}-`)
  try {
    await writeFile(join(folder, 'pom.xml'), pom())
    const output = join(folder, 'libs')
    await copyDependencies(mvn, folder, output)
    await rename(output, jarsFolder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function copyDependencies(mvn: string, folder: string, output: string): Promise<void> {
  const goal = [copyGoal, '-DincludeScope=runtime', `-DoutputDirectory=${output}`]
  try {
    await run(mvn, ['-q', '-B', ...goal], { cwd: folder, timeout: 540_000 })
  } catch (error) {
    // Maven writes its errors to standard output.
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout).trim() : ''
    throw new Error(`Kafka ${kafkaVersion}: Maven could not fetch it\n${said}`, { cause: error })
  }
}

function pom(): string {
  const entries = dependencies.map(
    ([group, artifact, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
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
