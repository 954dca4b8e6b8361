import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'

// What the gateway serves: index.html at /docs and /console, everything else below /web/.
export default defineConfig({
  base: '/web/',
  plugins: [vue()],
  build: {
    outDir: '../src/modelgate/portal/web',
    emptyOutDir: true,
    assetsInlineLimit: 0, // the content security policy allows no data: but for pictures
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 600,
  },
  server: {
    // `npm run dev` beside a running gateway: pages from here, data from there.
    proxy: Object.fromEntries(
      ['/api', '/v1', '/v1beta', '/docs/data', '/files', '/kling', '/suno', '/mj', '/luma', '/pika', '/runwayml', '/ideogram', '/openapi.json'].map((path) => [
        path,
        process.env.MODELGATE_BASE_URL ?? 'http://127.0.0.1:8080',
      ]),
    ),
  },
})
