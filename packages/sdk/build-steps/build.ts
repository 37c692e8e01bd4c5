// `turbo run build`: the published package, in dist/.
import { buildPackage } from './build-package.ts'

await buildPackage('dist')
