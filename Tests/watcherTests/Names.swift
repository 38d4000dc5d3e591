@testable import watcher

// Testing and Foundation have types of these names as well.
typealias ExitStatus = watcher.ExitStatus
typealias Progress = watcher.Progress
