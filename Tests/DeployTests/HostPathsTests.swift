import Compose
import Deploy
import Reconcile
import Testing

@testable import Deploy

/// What containers get to see of the host: refused before anything is touched, with the place.
@Suite struct HostPathsTests {
    private func house() async -> House {
        let house = House()
        house.configure {
            $0.protectedPaths = [
                ProtectedPath("/state", "the state directory"), ProtectedPath("/etc/key", "git.ssh_key"),
            ]
        }
        house.push(pair)
        _ = await house.deploy()
        return house
    }

    /// Deploys on a host with these links.
    private func deploy(_ house: House, links: [String: String] = [:]) async -> RunResult {
        var deployer = house.deployer
        deployer.hostFiles.resolve = { links[$0] ?? $0 }
        return await deployer.deploy()
    }

    @Test(arguments: [
        "volumes: [/state/watcher.db:/db]", "volumes: [/state:/s:ro]", "volumes: [/srv/link:/x]",
        "volumes: [/:/host:ro]",
        "secrets: [s]", "volumes: [data2:/v]",
    ])
    func `watcher's own is never mounted`(attribute: String) async {
        let house = await house()
        let (before, writes) = (house.containers, house.writes)
        house.push(
            """
            services:
              web: {image: web:2, \(attribute)}
              db: {image: db:1, volumes: ["data:/data"]}
            volumes: {data: {}, data2: {driver_opts: {type: none, o: bind, device: /state}}}
            secrets: {s: {file: /etc/key}}
            """)
        let result = await deploy(house, links: ["/srv/link": "/state/watcher.db"])
        #expect(result.failure?.reason == .policy, "\(result)")
        #expect(result.failure?.message.hasPrefix("compose.yaml:") == true, "\(result.failure?.message ?? "")")
        #expect(house.containers == before && house.writes == writes && house.skipped.isEmpty)
    }

    @Test func `a link that the commit does not have is not followed out of the checkout`() async {
        let house = House()
        house.push("services: {web: {image: web:1, volumes: ['./data:/data']}}", ["data/keep": ""])
        #expect(await house.deploy().outcome == .deployed)
        house.push("services: {web: {image: web:2, volumes: ['./data/sub:/data']}}", ["data/keep": ""])
        var deployer = house.deployer
        deployer.hostFiles.kindBelow = { throw FileAccessError.link(path: "\($0)/\($1)") }
        let absent = await deployer.deploy()
        #expect(absent.failure?.reason == .bindSourceMissing)
        #expect(
            absent.failure?.message.contains("is not in the commit, and on the disk data/sub is a symbolic link")
                == true)
        house.push("services: {web: {image: web:2, volumes: ['./data:/data']}}", ["data/keep": ""])
        let planted = await deploy(house, links: ["/checkout/data": "/etc"])
        #expect(planted.failure?.reason == .policy)
        #expect(planted.failure?.message.contains("a link in the checkout leads to /etc") == true)
    }

    @Test func `a file of secrets or configs that is not in the commit is missed`() async {
        let house = House()
        house.push("services: {web: {image: web:1, secrets: [s]}}\nsecrets: {s: {file: ./s.txt}}")
        let result = await house.deploy()
        #expect(result.failure?.reason == .bindSourceMissing)
        #expect(
            result.failure?.message
                == "compose.yaml:2:15: secrets.s.file: file s.txt of secrets.s is not in the commit")
    }
}
