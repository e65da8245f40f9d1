// Writes tokenizer/vocab.txt and tokenizer/cases.jsonl beside this script: texts and what Hugging
// Face's tokenizers (Rust) make of them.  Deterministic; a second run changes no byte.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const hf = require('@anush008/tokenizers');

const folder = new URL('tokenizer/', import.meta.url);
mkdirSync(folder, { recursive: true });

// ── texts ───────────────────────────────────────────────────────────────────────────────────────

const sentences = [
  '강가에 앉아 물수제비를 뜨다가 해가 지는 줄도 몰랐다.',
  '할머니는 김장 김치를 항아리에 차곡차곡 담으셨어요.',
  '버스가 늦게 와서 첫 수업을 놓쳤지만, 다행히 출석은 안 불렀다!',
  '이 가게 떡볶이는 맵기만 하고 양이 적어서 다시는 안 갈래요.',
  '우리 집 고양이는 상자만 보면 들어가 보지 않고는 못 배긴다.',
  '지난주에 빌린 책을 오늘까지 돌려줘야 하는데 어디 뒀는지 모르겠네?',
  '비행기 창밖으로 보이는 섬들이 꼭 물 위에 뿌려 놓은 콩 같았다.',
  '새로 산 자전거로 한강을 따라 20km쯤 달렸더니 다리가 후들거린다…',
  '배우들의 연기는 훌륭했으나 이야기가 끝까지 따라가기 힘들 만큼 느렸다.',
  '커피 한 잔에 6,500원이라니, 물가가 너무 올랐어요 ㅠㅠ',
  '“괜찮아?” 하고 묻자 동생은 말없이 고개만 끄덕였다.',
  '표를 예매하려면 앱(App)을 설치하고 e-mail 주소를 등록하세요.',
  '학교 앞 문구점에서 파는 500원짜리 뽑기가 그렇게 재미있었는데ㅋㅋㅋ',
  '그는 大韓民國 헌법 第1條를 또박또박 소리 내어 읽었다.',
  'Running a model inside a database is handy; nothing has to leave the file.',
  'Un café crème près de la gare coûte déjà 3,80 € à Besançon.',
  '東京の桜はもう散りましたが、釜山ではまだ咲いています。',
  '회의는 09:30~11:00이고 장소는 3층 대회의실(구 강당)입니다.',
  '가나다라마바사아자차카타파하 가나다 나다라 다라마바 라마',
];

const control = '\u0000\u0001\u0007\u001b\u007f\u0085\u00ad\u200b\u200d\u200e\u2060\ufeff\ufffd\ue000\u{e0001}';
const spaces = ' \t\n\r\u000b\u000c\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\u180e';
const punctuation = '.,!?;:\'"()[]{}<>@#$%^&*-_=+|\\/`~·…「」『』〈〉、。・“”‘’—〜※§¿«»、！？（）￦₩€±×÷';
const wide = '漢字仮名ひらがなカタカナﾊﾝｶｸㄱㅏㅎㅢ㈜①Ⅷ㎏ＡＢｃ１🙂👩\u200d👩\u200d👧🇰🇷\u{20000}\u{2a6df}\u{2b820}\u{2ceb0}豈\u{2f800}\u3007\u303c';
const jamo = '\u1112\u1161\u11ab\u1100\u1173\u11af\u1105\u1175\u302e\u302f\u11ff\u1160';
const marks = 'a\u0301\u0323e\u0308İıIßſKÅÅÀÉñç\u0345\u1fb3ΣςΑΩ\u0344ǅЁЙйё\u0959ক\u09bcা\u1d165\u{1d165}\u{1d16d}\u0334\u08d4\u0898\u1b44\u0e33ạ̈\u{11938}\ua7dc\u{10d50}≠≮\u037e\u1fef\u212a\u2126\u2000\u0340가힣\u0378\u{1f8ff}';

const hostile = [
  '',
  ' ',
  '\u0001\u0002',
  '  \t앞 \r\n뒤\u3000끝  ',
  '앞\u0001뒤',
  '\u0001\u0001한강\u0001 \u0001떡볶이\u0001',
  '\u200d떡\u200d볶\u200d이\u200d를',
  '강가에.앉아,물수제비를!뜨다가',
  '....,,,,!!!!????',
  '[SEP]',
  '[CLS] 강가에 [SEP] 앉아 [MASK]를 뜨다가 [PAD][UNK]',
  '[[SEP]] [sep] [Sep] [SEP [MASK [CLS][MASK]x ]SEP[',
  '강가에[MASK]앉아[MASK]',
  '[SE\u0000P] [\u200dSEP] ［SEP］',
  '[SEP]\u0301[MASK]\u0001가',
  '##가 ##나 # ## ### #가',
  '가나다라마바사아자차카타파하가나다라마바사아자차카타파하',
  '나가다나라다마라바마 가가가가 하하하하 가나가나가나다',
  '가'.repeat(100),
  '가'.repeat(101),
  '가'.repeat(99) + '\u0001' + '나',
  '가'.repeat(100) + '\u0001' + '나 다',
  '.' + '나'.repeat(150) + '.다라',
  'a'.repeat(50) + '漢' + 'a'.repeat(120),
  'x'.repeat(250) + ' 가나',
  '漢字는 한자(漢字)이고 大韓民國은 나라이다',
  '𠀀𪛟가𫠠나',
  '🙂떡볶이🙂 👩\u200d👩\u200d👧가',
  'Café CAFÉ cafe\u0301 CRÈME crème',
  'ǅ İstanbul ISTANBUL ΣΑΣ ßẞ ﬁ K Å',
  'a\u0323\u0301b a\u0301\u0323b e\u0301\u0302x \u0301\u0301 é\u0323è',
  '\u1112\u1161\u11ab\u1100\u1161\u11bc 한강 ᄒ\u1161ᆫ가',
  '가\u302e나\u302f \u{1d15f}\u0301 \u{1d158}\u{1d165}\u{1d16d}',
  'a≠b ≮가≯ 1\u037e2 x\u1fefy \u0387',
  'e\u0301\u0001\u0323e \u0001\u0301x',
  '\u0378가 가\u0378 \u{e01ef} \u0898x',
  'déjà_vu@café.kr 500원/20km 09:30~11:00',
  '6,500원이라니...ㅠㅠㅠ ㅋㅋㅋㅋ',
  'İ'.repeat(60),
  'é'.repeat(101),
  'e\u0301'.repeat(100),
];

// Numerical Recipes' generator: the same texts everywhere.
let seed = 20240229;
function random(n) {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return Math.floor((seed / 2 ** 32) * n);
}
const pick = (list) => list[random(list.length)];

const words = sentences.join(' ').split(' ');
const specials = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'];

function randomText() {
  const pools = [control, spaces, punctuation, wide, jamo, marks].map((pool) => [...pool]);
  const chunks = [];
  for (let i = random(12) + 1; i > 0; i--) {
    const kind = random(10);
    if (kind < 4) chunks.push(pick(words));
    else if (kind < 5) chunks.push(pick(specials));
    else if (kind < 6) chunks.push([...pick(words)].slice(random(3)).join(''));
    else for (let k = random(5); k >= 0; k--) chunks.push(pick(pick(pools)));
    if (random(2) === 0) chunks.push(' ');
  }
  return chunks.join('');
}

// ── the vocabulary ──────────────────────────────────────────────────────────────────────────────

function makeVocabulary() {
  const tokens = [...specials];
  const add = (token) => {
    if (!tokens.includes(token)) tokens.push(token);
  };
  for (const c of new Set([...punctuation, ...sentences.join('')])) if (c.trim() !== '') add(c);
  for (const c of new Set([...sentences.join('')])) if (/[가-힣a-z0-9ㄱ-ㅣé]/u.test(c)) add('##' + c);
  // Pieces of two to four characters of every third word, some inside.
  words.forEach((word, index) => {
    const letters = [...word].filter((c) => /[가-힣a-z0-9]/u.test(c));
    if (index % 3 === 0) for (const n of [2, 3, 4]) if (letters.length >= n) add(letters.slice(0, n).join(''));
    if (index % 3 === 1) for (const n of [2, 3]) if (letters.length > n) add('##' + letters.slice(-n).join(''));
  });
  // Chains of overlapping tokens: failure links through several states.
  for (const token of ['가나다라마바사', '##나다라마바', '##다라', '##라마바사아', '##마바사아자차카', '##차카타']) add(token);
  for (const token of ['가나가나가나', '##나가나', '##가나가', '##가가가', '하하하', '##하하']) add(token);
  for (const token of ['e', 'cafe', 'creme', 'i', '##i', 'ß', 'σ', '##σ', '##ς', '##α', 'ω', 'k', 'å', '##\u0301', '##\u0307']) add(token);
  for (const token of ['ᄒ', '##ᅡ', '##ᆫ', '##가', '가\u302e', '🙂', '##🙂', '𠀀', '豈', '豈', 'b', '##b', '##x', 'x', '=', '<']) add(token);
  // What only a careful reader gets right.
  tokens.push('강가에'); // a second time: the later id counts
  tokens.push('뒤 \t'); // white space at the end is no part of it
  tokens.push('끝\u3000');
  tokens.push('');
  tokens.push('##');
  tokens.push('뒤 에'); // cannot occur
  tokens.push('나'.repeat(101)); // too long to occur
  tokens.push('가'.repeat(99));
  return tokens;
}

const vocabularyPath = new URL('vocab.txt', folder).pathname;
const vocabulary = makeVocabulary();
writeFileSync(vocabularyPath, vocabulary.join('\n') + '\r\nlast\r\n');

// ── cases ───────────────────────────────────────────────────────────────────────────────────────

async function makeTokenizer({ lower = false, strip = false, chinese = true, nfc = false }) {
  const model = await hf.WordPiece.fromFile(vocabularyPath, {
    unkToken: '[UNK]',
    continuingSubwordPrefix: '##',
    maxInputCharsPerWord: 100,
  });
  const tokenizer = new hf.Tokenizer(model);
  const bert = hf.bertNormalizer({
    cleanText: true,
    handleChineseChars: chinese,
    stripAccents: strip,
    lowercase: lower,
  });
  tokenizer.setNormalizer(nfc ? hf.sequenceNormalizer([hf.nfcNormalizer(), bert]) : bert);
  tokenizer.setPreTokenizer(hf.bertPreTokenizer());
  tokenizer.setPostProcessor(
    hf.bertProcessing(['[SEP]', model_id(tokenizer, '[SEP]')], ['[CLS]', model_id(tokenizer, '[CLS]')]),
  );
  tokenizer.addSpecialTokens(specials);
  return tokenizer;
}

const model_id = (tokenizer, token) => tokenizer.tokenToId(token);

const lines = [];
async function write(options, text, pair, maxLength) {
  const tokenizer = tokenizers.get(options);
  if (maxLength === undefined) tokenizer.disableTruncation();
  else tokenizer.setTruncation(maxLength);
  const addSpecialTokens = pair !== undefined || maxLength !== undefined;
  const encoding = await tokenizer.encode(text, pair ?? null, { addSpecialTokens });
  const record = { ...options, text };
  if (pair !== undefined) record.pair = pair;
  if (maxLength !== undefined) record.max_length = maxLength;
  record.ids = encoding.getIds();
  // With NFC the crate gives a composed character the span of its first part only; ours is the
  // whole, so those offsets are not compared.
  if (!options.nfc) record.offsets = encoding.getOffsets().flat();
  if (pair !== undefined) record.segments = encoding.getTypeIds();
  lines.push(JSON.stringify(record));
}

const plain = {};
const everyOption = [
  plain,
  { lower: true, strip: true },
  { lower: true },
  { strip: true },
  { chinese: false },
  { nfc: true },
];
const tokenizers = new Map();
for (const options of everyOption) tokenizers.set(options, await makeTokenizer(options));

for (const options of everyOption) {
  for (const text of hostile) await write(options, text);
  for (let i = 0; i < 40; i++) await write(options, randomText());
}
for (const text of sentences) await write(plain, text);
for (const text of sentences.slice(13, 17)) await write(everyOption[1], text);
for (let i = 0; i < 60; i++) {
  const text = pick([pick(sentences), randomText(), pick(hostile)]);
  const pair = pick([pick(sentences), randomText(), pick(hostile)]);
  await write(plain, text, pair, random(40) + 4);
}
for (let i = 0; i < 20; i++) await write(plain, pick(sentences), undefined, random(30) + 2);

writeFileSync(new URL('cases.jsonl', folder), lines.join('\n') + '\n');
const known = readFileSync(vocabularyPath, 'utf8').split('\n').length - 1;
console.log(`${known} tokens, ${lines.length} cases`);
