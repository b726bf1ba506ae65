// Writes the template of the icons from the open set's files. Each icon is
// inline, so that it takes the colour of its word and costs no request.
import { readFileSync } from 'node:fs';

const [dir, list] = process.argv.slice(2);
const wanted = readFileSync(list, 'utf8').split('\n')
  .map((line) => line.trim().split(/\s+/))
  .filter(([ours, theirs]) => theirs && ours !== '#');

let out = '{{/* Made by dev/assets/build.sh from Lucide (ISC). Do not edit: see dev/assets/icons.txt. */}}\n';
out += '{{define "icon"}}{{if .Name}}<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">';
wanted.forEach(([ours, theirs], i) => {
  const svg = readFileSync(`${dir}/${theirs}.svg`, 'utf8');
  const shapes = svg.replace(/^[\s\S]*?<svg[\s\S]*?>/, '').replace(/<\/svg>\s*$/, '')
    .replace(/\s+/g, ' ').replace(/> </g, '><').replace(/ \/>/g, '/>').trim();
  out += `\n{{${i === 0 ? 'if' : 'else if'} eq .Name "${ours}"}}${shapes}`;
});
out += '{{end}}\n</svg>{{end}}{{end}}\n';
process.stdout.write(out);
