/** `node tests/helm/writeVersion.ts next /tmp/next`: the tree of a version, to build an image of. */
import { allVersions, type Version, writeVersion } from './versions.ts';

const [, , name, folder] = process.argv;
if (!folder || !allVersions.includes(name as Version)) {
  process.stderr.write(`Name one of ${allVersions.join(', ')}, and a folder.\n`);
  process.exit(2);
}
writeVersion(name as Version, folder);
