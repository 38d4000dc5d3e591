import Testing

@testable import Compose

struct LimitsCheckTests {
    @Test(arguments: [
        (#""cpus": 1"#, #""limits": {"memory": "1g"}"#, "services.a.cpus: differs from deploy.resources.limits.cpus"),
        (
            #""mem_limit": 1"#, #""limits": {"memory": 2}"#,
            "services.a.mem_limit: differs from deploy.resources.limits.memory"
        ),
        (
            #""pids_limit": 1"#, #""limits": {"pids": 2}"#,
            "services.a.pids_limit: differs from deploy.resources.limits.pids"
        ),
        (
            #""mem_reservation": "1m""#, #""reservations": {"memory": "2m"}"#,
            "services.a.mem_reservation: differs from deploy.resources.reservations.memory"
        ),
    ])
    func `a limit that is given twice must not differ`(attribute: String, resources: String, problem: String) throws {
        let json = #"{"services": {"a": {"image": "i", \#(attribute), "deploy": {"resources": {\#(resources)}}}}}"#
        #expect(try problems(json: json) == [problem])
    }

    @Test func `the same limit may be written in two ways`() throws {
        let json = """
            {"services": {"a": {"image": "i", "mem_limit": "512m", "cpus": "0.5", "deploy": {"resources":
                {"limits": {"memory": 536870912, "cpus": 0.5}}}}}}
            """
        #expect(try problems(json: json).isEmpty)
    }
}
