// The web app: the documentation at /docs and the console at /console, one shell around both.
import { createApp } from 'vue'

import './design/tokens.css'
import './design/base.css'
import App from './shell/App.vue'
import { router } from './shell/router'

createApp(App).use(router).mount('#app')
