// Tests of watcher.
