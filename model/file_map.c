#include "file_map.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

koe_status koe_file_map_open(const char *path, koe_file_map *out, koe_error *err) {
  koe_status status = KOE_OK;
  struct stat info;
  memset(out, 0, sizeof *out);

  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* not to hang on a FIFO */
  if (file < 0) return koe_fail(err, KOE_IO, "cannot open %s: %s", path, strerror(errno));
  if (fstat(file, &info) != 0) {
    status = koe_fail(err, KOE_IO, "cannot read %s: %s", path, strerror(errno));
    goto cleanup;
  }
  if (!S_ISREG(info.st_mode)) {
    status = koe_fail(err, KOE_IO, "%s is not a regular file", path);
    goto cleanup;
  }
  if (info.st_size == 0) goto cleanup;
  void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, file, 0);
  if (data == MAP_FAILED) {
    status = koe_fail(err, KOE_IO, "cannot map %s: %s", path, strerror(errno));
    goto cleanup;
  }
  out->data = data;
  out->size = (size_t)info.st_size;

cleanup:
  close(file);
  return status;
}

void koe_file_map_close(koe_file_map *map) {
  if (map->data != NULL && !map->borrowed) munmap((void *)(uintptr_t)map->data, map->size);
  memset(map, 0, sizeof *map);
}

void koe_file_map_release(const koe_file_map *map, const void *data, size_t size) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), start = (uintptr_t)map->data;
  uintptr_t first = (uintptr_t)data, end = first + size;
  if (map->borrowed || first < start || end > start + map->size) return;
  first = (first + page - 1) / page * page;
  end = end / page * page;
  /* A private mapping that nobody writes to: its pages are the file's. */
  if (first < end) madvise((void *)first, end - first, MADV_DONTNEED);
}
