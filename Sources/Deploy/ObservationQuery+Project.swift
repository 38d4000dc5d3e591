package import Compose
package import Reconcile

extension ObservationQuery {
    /// Everything that planning, checking and undoing have to know about a project.
    ///
    /// - Parameters:
    ///   - pinned: the ids of images that a recorded deployment ran.
    ///   - before: what ran before an attempt that is to be undone; its images are looked up, too.
    package init(of project: Project, pinned: some Sequence<String> = [], undoing before: ObservedState? = nil) {
        let services = project.services.values.filter { $0.provider == nil }
        let images =
            services.map { $0.imageName(in: project) }
            + services.flatMap(\.volumes).filter { $0.kind == .image }.compactMap(\.source)
        let earlier = before.map { UndoPlanner.imagesToObserve($0) + $0.images.keys } ?? []
        self.init(
            project: project.name, networks: project.networks.values.map(\.name).sorted(),
            volumes: project.volumes.values.map(\.name).sorted(),
            images: Set(images).union(pinned).union(earlier).sorted())
        containers = project.sharedContainers
    }
}
