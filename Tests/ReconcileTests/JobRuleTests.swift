import Compose
import Reconcile
import Testing

/// Which services may succeed by exiting with status 0.
@Suite struct JobRuleTests {
    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var service: @Sendable (inout Service) -> Void = { _ in }
        var dependant: (@Sendable (inout Service) -> Void)?
        var image: ObservedState.Image?
        var isJob: Bool

        var testDescription: String { name }
    }

    private static let checked = ObservedState.Image(id: "sha256:a", hasHealthcheck: true)

    private static let rows: [Row] = [
        Row(name: "nothing says that it goes on", isJob: true),
        Row(name: "a health check", service: { $0.healthcheck = healthcheck(["CMD", "true"]) }, isJob: false),
        Row(name: "a health check of the image", image: checked, isJob: false),
        Row(
            name: "a disabled health check of the image", service: { $0.healthcheck = healthcheck(["NONE"]) },
            image: checked, isJob: true),
        Row(name: "a published port", service: { $0.ports = [Port(target: 80)] }, isJob: false),
        Row(name: "an exposed port", service: { $0.expose = ["80"] }, isJob: false),
        Row(name: "restart: always", service: { $0.restart = "always" }, isJob: false),
        Row(name: "restart: on-failure", service: { $0.restart = "on-failure:3" }, isJob: true),
        Row(
            name: "awaited to complete, whatever else it has", service: { $0.ports = [Port(target: 80)] },
            dependant: { $0.dependsOn["job"] = Dependency(condition: .completedSuccessfully) }, isJob: true),
        Row(
            name: "awaited to be healthy", dependant: { $0.dependsOn["job"] = Dependency(condition: .healthy) },
            isJob: false),
        Row(name: "shares its network", dependant: { $0.networkMode = "service:job" }, isJob: false),
        Row(name: "only started before another", dependant: { $0.dependsOn["job"] = Dependency() }, isJob: true),
    ]

    private static func healthcheck(_ test: [String]) -> Healthcheck {
        var check = Healthcheck()
        check.test = test
        return check
    }

    @Test(arguments: rows)
    func `a service`(_ row: Row) {
        var project = Project(name: "shop", workingDirectory: "/", configFiles: [])
        var job = Service(name: "job")
        row.service(&job)
        project.services["job"] = job
        if let change = row.dependant {
            var web = Service(name: "web")
            change(&web)
            project.services["web"] = web
        }
        #expect(project.isJob("job", image: row.image) == row.isJob)
    }
}
