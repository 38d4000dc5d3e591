package import Compose

extension Project {
    /// Services that have run to completion: the last good deployment saw it, or the engine knows that they ended well by
    /// themselves. Where it does not remember, one that this deployment started after it had stopped, and that ended
    /// well once more: a job that takes longer than it is watched is not started for ever.
    ///
    /// - Parameters:
    ///   - recorded: those the last good deployment saw complete.
    ///   - startedAgain: those it had to start although they were there.
    package func completedServices(
        recorded: Set<String>, startedAgain: Set<String>, _ observed: ObservedState
    ) -> Set<String> {
        let ended = observed.containers.filter {
            $0.parked == nil && !$0.isOneOff && $0.state == .exited && $0.exitCode == 0 && !$0.restartsAfterSuccess
        }
        let jobs = ended.filter { container in
            guard container.endedByItself == true, let service = services[container.service] else { return false }
            return isJob(container.service, image: observed.images[service.imageName(in: self)])
        }
        return recorded.union(startedAgain.intersection(ended.map(\.service))).union(jobs.map(\.service))
    }
}
