/** The build: hashed files in `assets/`, each with a `.br` and a `.gz` beside it, and no inline script or style. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

import vue from '@vitejs/plugin-vue'
import elementPlus from 'unplugin-element-plus/vite'
import type { Plugin } from 'vite'
import { defineConfig } from 'vitest/config'

const PACKED = /\.(js|css|html|svg|json)$/
/** Bytes below which packing gains nothing. */
const LEAST = 600

function packed(): Plugin {
  let folder = ''
  return {
    name: 'packed',
    apply: 'build',
    configResolved(config) {
      folder = config.build.outDir
    },
    closeBundle() {
      if (!existsSync(folder)) return // the build failed, and says why
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const path = join(entry.parentPath, entry.name)
        if (!entry.isFile() || !PACKED.test(entry.name)) continue
        const data = readFileSync(path)
        if (data.length < LEAST) continue
        writeFileSync(`${path}.gz`, gzipSync(data, { level: 9 }))
        writeFileSync(`${path}.br`, brotliCompressSync(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }))
      }
    },
  }
}

/** The words of the first language are asked for with the program, not after it. */
function wordsFirst(): Plugin {
  return {
    name: 'words-first',
    apply: 'build',
    transformIndexHtml: {
      order: 'post',
      handler(_html, { bundle }) {
        const words = Object.keys(bundle ?? {}).find((name) => /words-zh-CN.*[.]js$/.test(name))
        return words ? [{ tag: 'link', attrs: { rel: 'modulepreload', crossorigin: '', href: `/${words}` }, injectTo: 'head' }] : []
      },
    },
  }
}

// Unit tests run far from the hotline: what is shown in its zone must not come from the machine's.
if (process.env.VITEST) process.env.TZ = 'America/New_York'

export default defineConfig({
  plugins: [vue(), elementPlus({}), packed(), wordsFirst()],
  resolve: {
    alias: {
      '@': fileURLToPath(new URL('src', import.meta.url)),
      // Parts of Element Plus that no page uses: colours of single buttons, and rules of forms (the server says what is wrong).
      '@ctrl/tinycolor': fileURLToPath(new URL('src/absent/tinycolor.ts', import.meta.url)),
      'async-validator': fileURLToPath(new URL('src/absent/async-validator.ts', import.meta.url)),
    },
  },
  define: {
    __VUE_OPTIONS_API__: true,
    __VUE_PROD_DEVTOOLS__: false,
    __VUE_PROD_HYDRATION_MISMATCH_DETAILS__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
  },
  cacheDir: '.vite',
  build: {
    target: 'es2022',
    manifest: 'manifest.json',
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1000,
    reportCompressedSize: false,
    // Few files: each costs the server and the browser a request.
    rolldownOptions: {
      output: {
        chunkFileNames: ({ name }) => `assets/${name.startsWith('shared') ? 'shared' : '[name]'}-[hash].js`,
        assetFileNames: ({ names }) => `assets/${names[0]?.startsWith('shared') ? 'shared' : '[name]'}-[hash][extname]`,
        codeSplitting: {
          groups: [
            { name: 'words-zh-CN', test: /i18n[/]zh-CN[/](common|domain|shell|session|problems|phone)[.]ts$/ },
            { name: 'words-en', test: /i18n[/]en[/](common|domain|shell|session|problems|phone)[.]ts$/ },
            { name: 'first', tags: ['$initial'], priority: 2 },
            { name: 'shared', test: /[.](vue|ts|css|m?js)/, minShareCount: 2, entriesAware: true, entriesAwareMergeThreshold: 20_000 },
          ],
        },
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    setupFiles: ['src/testing/setup.ts'],
    css: false,
    // A browser for each file takes longer than all tests; what a test changes in it, `setup.ts` takes back.
    isolate: false,
    // For what hangs: on a busy machine each test may take long.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    server: { deps: { inline: ['element-plus'] } },
  },
})
