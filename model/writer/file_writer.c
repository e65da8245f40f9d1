#include "file_writer.h"

#include "../memory.h"
#include "../path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static koe_status fail_write(const char *path, koe_error *err) {
  return koe_fail(err, KOE_IO, "cannot write \"%s\": %s", path, strerror(errno));
}

koe_status koe_file_writer_open(const char *directory, const char *name, koe_file_writer *writer,
                                koe_error *err) {
  static const char suffix[] = ".partial";
  memset(writer, 0, sizeof *writer);
  writer->path = koe_path_join(directory, name);
  if (writer->path == NULL) return koe_fail_nomem(err);
  size_t length = strlen(writer->path);
  char *partial = koe_alloc(length + sizeof suffix, 1);
  if (partial == NULL) return koe_fail_nomem(err);
  memcpy(partial, writer->path, length);
  memcpy(partial + length, suffix, sizeof suffix);
  writer->file = fopen(partial, "wb");
  if (writer->file == NULL) {
    koe_status status = fail_write(partial, err);
    koe_free(partial);
    return status;
  }
  writer->partial = partial;
  return KOE_OK;
}

koe_status koe_file_writer_add(koe_file_writer *writer, const void *bytes, size_t length,
                               koe_error *err) {
  if (fwrite(bytes, 1, length, writer->file) == length) return KOE_OK;
  return fail_write(writer->partial, err);
}

koe_status koe_file_writer_close(koe_file_writer *writer, koe_error *err) {
  koe_status status = KOE_OK;
  if (fflush(writer->file) != 0 || fsync(fileno(writer->file)) != 0) {
    status = fail_write(writer->partial, err);
  }
  if (fclose(writer->file) != 0 && status == KOE_OK) status = fail_write(writer->partial, err);
  writer->file = NULL;
  return status;
}

koe_status koe_file_writer_publish(koe_file_writer *writer, koe_error *err) {
  if (rename(writer->partial, writer->path) != 0) return fail_write(writer->path, err);
  koe_free(writer->partial);
  writer->partial = NULL;
  return KOE_OK;
}

void koe_file_writer_abandon(koe_file_writer *writer) {
  if (writer->file != NULL) fclose(writer->file);
  if (writer->partial != NULL) unlink(writer->partial);
  koe_free(writer->partial);
  koe_free(writer->path);
  memset(writer, 0, sizeof *writer);
}

koe_status koe_make_directory(const char *path, koe_error *err) {
  if (mkdir(path, 0777) == 0) return KOE_OK;
  if (errno == EEXIST) return koe_path_check_directory(path, err);
  return koe_fail(err, KOE_IO, "cannot make directory \"%s\": %s", path, strerror(errno));
}

koe_status koe_flush_directory(const char *path, koe_error *err) {
  int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return fail_write(path, err);
  /* Some file systems have nothing to flush for a directory and say EINVAL. */
  int result = fsync(descriptor) == 0 || errno == EINVAL ? 0 : errno;
  close(descriptor);
  errno = result;
  return result == 0 ? KOE_OK : fail_write(path, err);
}

koe_status koe_write_whole_file(const char *directory, const char *name, const void *bytes,
                                size_t length, koe_error *err) {
  koe_file_writer writer;
  koe_status status = koe_file_writer_open(directory, name, &writer, err);
  if (status == KOE_OK) status = koe_file_writer_add(&writer, bytes, length, err);
  if (status == KOE_OK) status = koe_file_writer_close(&writer, err);
  if (status == KOE_OK) status = koe_file_writer_publish(&writer, err);
  if (status == KOE_OK) status = koe_flush_directory(directory, err);
  koe_file_writer_abandon(&writer);
  return status;
}
