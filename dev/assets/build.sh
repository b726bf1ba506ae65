#!/bin/sh
# Rebuilds what comes from elsewhere in the pages: the font, the icons and the
# accessibility checker of the browser tests. Its results are committed, so
# that neither building nor running Belisha needs npm. Run it only to take a
# newer version: change package.json, run this, look at the storybook.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/package.json" "$work/"
(cd "$work" && npm install --no-audit --no-fund --ignore-scripts --silent)
modules=$work/node_modules

vendor=$root/internal/kit/web/assets/vendor
mkdir -p "$vendor/atkinson" "$vendor/lucide" "$root/dev/browser/vendor"
font=$modules/@fontsource/atkinson-hyperlegible
for cut in latin-400-normal latin-400-italic latin-700-normal latin-ext-400-normal latin-ext-700-normal; do
	short=$(echo "$cut" | sed 's/-normal//')
	cp "$font/files/atkinson-hyperlegible-$cut.woff2" "$vendor/atkinson/$short.woff2"
done
cp "$font/LICENSE" "$vendor/atkinson/LICENSE"
cp "$modules/lucide-static/LICENSE" "$vendor/lucide/LICENSE"
cp "$modules/axe-core/axe.min.js" "$root/dev/browser/vendor/axe.min.js"
cp "$modules/axe-core/LICENSE" "$root/dev/browser/vendor/LICENSE"

node "$here/icons.mjs" "$modules/lucide-static/icons" "$here/icons.txt" >"$root/internal/kit/web/templates/icons.html"
