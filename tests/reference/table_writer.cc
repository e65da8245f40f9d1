/* Writes a table with LevelDB's own TableBuilder, for make_tensorflow.py.
 *
 *   table_writer FILE BLOCK_SIZE COMPRESSED <entries
 *
 * An entry is the length of the key, the key, the length of the value, the value; lengths have four
 * bytes, little-endian.  Entries are in the order of their keys. */
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <leveldb/env.h>
#include <leveldb/options.h>
#include <leveldb/table_builder.h>

static bool read_string(std::string *out) {
  uint8_t length[4];
  if (fread(length, 1, 4, stdin) != 4) return false;
  out->resize(length[0] | length[1] << 8 | length[2] << 16 | (size_t)length[3] << 24);
  return fread(&(*out)[0], 1, out->size(), stdin) == out->size();
}

static void check(const leveldb::Status &status) {
  if (status.ok()) return;
  fprintf(stderr, "table_writer: %s\n", status.ToString().c_str());
  exit(1);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  leveldb::Options options;
  options.block_size = (size_t)atoll(argv[2]);
  options.compression = atoi(argv[3]) ? leveldb::kSnappyCompression : leveldb::kNoCompression;
  leveldb::WritableFile *file;
  check(leveldb::Env::Default()->NewWritableFile(argv[1], &file));
  leveldb::TableBuilder builder(options, file);
  std::string key, value;
  while (read_string(&key) && read_string(&value))
    builder.Add(key, value);
  check(builder.Finish());
  check(file->Close());
  delete file;
  return 0;
}
