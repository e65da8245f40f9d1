#include "operations.h"

#include "../model/memory.h"

#include <pthread.h>
#include <string.h>

struct koe_operation {
  koe_operation_entry entry;
  koe_operation *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static koe_operation *operations; /* in the order they were begun in */

static void clear_entry(koe_operation_entry *entry) {
  koe_free(entry->database);
  koe_free(entry->name);
}

static bool copy_entry(const koe_operation_entry *from, koe_operation_entry *to) {
  *to = *from;
  to->database = koe_copy_string(from->database, strlen(from->database));
  to->name = koe_copy_string(from->name, strlen(from->name));
  if (to->database != NULL && to->name != NULL) return true;
  clear_entry(to);
  return false;
}

koe_status koe_operation_begin(const char *database, const char *name, const char *operation,
                               koe_operation **out, koe_error *err) {
  koe_operation_entry entry = {.database = (char *)database,
                               .name = (char *)name,
                               .operation = operation,
                               .state = {.total = -1},
                               .running = true};
  koe_operation *new = koe_alloc_zero(1, sizeof *new);
  *out = NULL;
  if (new == NULL || !copy_entry(&entry, &new->entry)) {
    koe_free(new);
    return koe_fail_nomem(err);
  }
  pthread_mutex_lock(&lock);
  koe_operation **last = &operations;
  while (*last != NULL)
    last = &(*last)->next;
  *last = new;
  pthread_mutex_unlock(&lock);
  *out = new;
  return KOE_OK;
}

void koe_operation_update(koe_operation *operation, const koe_operation_state *state) {
  if (operation == NULL) return;
  pthread_mutex_lock(&lock);
  operation->entry.state = *state;
  pthread_mutex_unlock(&lock);
}

void koe_operation_end(koe_operation *operation) {
  if (operation == NULL) return;
  pthread_mutex_lock(&lock);
  koe_operation **at = &operations;
  while (*at != operation)
    at = &(*at)->next;
  *at = operation->next;
  pthread_mutex_unlock(&lock);
  clear_entry(&operation->entry);
  koe_free(operation);
}

koe_status koe_operations_add(koe_operations *list, const koe_operation_entry *entry,
                              koe_error *err) {
  if (!koe_grow(&list->entries, &list->capacity, list->count + 1, sizeof *list->entries) ||
      !copy_entry(entry, &list->entries[list->count])) {
    return koe_fail_nomem(err);
  }
  list->count++;
  return KOE_OK;
}

koe_status koe_operations_collect(koe_operations *list, const char *database, koe_error *err) {
  koe_status status = KOE_OK;
  pthread_mutex_lock(&lock);
  for (const koe_operation *p = operations; status == KOE_OK && p != NULL; p = p->next) {
    if (database != NULL && strcmp(database, p->entry.database) != 0) continue;
    status = koe_operations_add(list, &p->entry, err);
  }
  pthread_mutex_unlock(&lock);
  return status;
}

void koe_operations_clear(koe_operations *list) {
  for (size_t i = 0; i < list->count; i++)
    clear_entry(&list->entries[i]);
  koe_free(list->entries);
  *list = (koe_operations){0};
}
