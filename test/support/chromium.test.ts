import { expect, test } from 'vitest'
import { launchChromium } from './chromium.ts'

test('runs a page', async () => {
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    await page.setContent('<title>a page</title><script>document.title += " that ran"</script>')

    expect(await page.title()).toBe('a page that ran')
  } finally {
    await browser.close()
  }
})
