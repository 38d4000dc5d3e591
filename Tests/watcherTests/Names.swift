import Reconcile

@testable import watcher

// Testing and Foundation have types of these names as well.
typealias ExitStatus = Reconcile.ExitStatus
typealias Progress = watcher.Progress
