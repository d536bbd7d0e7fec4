// A photo from a real camera and a real film travel in and out: the picture's pixels and the film's bytes unchanged, no
// place and no device left in the photo. exiftool is the judge of the metadata, jpeg-js of the pixels.
//   node evidence.mjs http://127.0.0.1:8080/graphql     with TOKEN of a customer, FILM the path of an MP4
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jpeg from 'jpeg-js';

const [url] = process.argv.slice(2);
const { TOKEN, FILM } = process.env;
assert.ok(url && TOKEN && FILM, 'usage: TOKEN=… FILM=… node evidence.mjs URL');

async function graphql(query, variables) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

async function there(caseId, fileName, mediaType, bytes) {
  const input = { caseId, fileName, mediaType, byteSize: bytes.length, idempotencyKey: randomUUID() };
  const data = await graphql(
    `mutation ($input: AttachmentUploadCreateInput!) { attachmentUploadCreate(input: $input) {
      attachment { id } upload { url method } userErrors { code message } } }`,
    { input },
  );
  const { upload, attachment, userErrors } = data.attachmentUploadCreate;
  assert.deepEqual(userErrors, []);
  const put = await fetch(upload.url, { method: upload.method, body: bytes });
  assert.equal(put.status, 201, await put.text());
  return attachment.id;
}

async function back(id) {
  const query = `query ($id: ID!) { node(id: $id) { ... on Attachment { state mediaType download { url } } } }`;
  const { node } = await graphql(query, { id });
  assert.equal(node.state, 'AVAILABLE');
  const response = await fetch(node.download.url);
  assert.equal(response.status, 200);
  assert.equal(response.headers.get('content-type'), node.mediaType);
  return Buffer.from(await response.arrayBuffer());
}

const metadata = (path) => JSON.parse(execFileSync('exiftool', ['-j', '-G', path]))[0];
const sum = (bytes) => createHash('sha256').update(bytes).digest('hex');

const folder = mkdtempSync(join(tmpdir(), 'evidence-'));
try {
  const opened = await graphql(
    `mutation ($input: ServiceCaseOpenInput!) { serviceCaseOpen(input: $input) {
      serviceCase { id } userErrors { code message } } }`,
    { input: { kind: 'COMPLAINT', description: 'Foto und Film anbei.', idempotencyKey: randomUUID() } },
  );
  const caseId = opened.serviceCaseOpen.serviceCase.id;

  for (const name of ['dsc_09827.jpg', 'DSCN0614_small.jpg']) {
    const path = join(folder, name);
    writeFileSync(path, readFileSync(new URL(`node_modules/exif-js/example/${name}`, import.meta.url)));
    const place = ['-GPSLatitude=50.9413', '-GPSLatitudeRef=N', '-GPSLongitude=6.9583', '-GPSLongitudeRef=E'];
    execFileSync('exiftool', ['-q', '-overwrite_original', ...place, '-Comment=at home', '-XMP:Creator=Erika', path]);
    const before = metadata(path);
    assert.ok(before['EXIF:GPSLatitude'] && before['EXIF:Model'], 'the camera and the place are in the photo');

    const photo = readFileSync(path);
    const served = await back(await there(caseId, name, 'image/jpeg', photo));
    writeFileSync(path, served);
    const left = Object.keys(metadata(path)).filter(
      (key) => /^(EXIF|XMP|IPTC|MakerNotes|Photoshop|MPF|Composite:GPS)/.test(key) && key !== 'EXIF:Orientation' && key !== 'EXIF:ExifByteOrder',
    );
    assert.deepEqual(left, [], `${name}: metadata is left`);
    assert.equal(metadata(path)['File:Comment'], undefined);
    assert.ok(!/GPS|Nikon|NIKON/.test(execFileSync('exiftool', ['-a', '-u', path]).toString()), 'neither place nor device');
    const [a, b] = [jpeg.decode(photo), jpeg.decode(served)];
    assert.deepEqual([a.width, a.height, sum(a.data)], [b.width, b.height, sum(b.data)], `${name}: the pixels changed`);
    console.log(`${name}: ${photo.length} bytes in, ${served.length} out, ${b.width}x${b.height} pixels the same`);
  }

  const film = readFileSync(FILM);
  const served = await back(await there(caseId, 'film.mp4', 'video/mp4', film));
  assert.equal(sum(served), sum(film), 'the film changed');
  console.log(`film: ${film.length} bytes, the same`);
} finally {
  rmSync(folder, { recursive: true });
}
