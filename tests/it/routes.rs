//! The same routes, wherever they are declared.

use usher_local::ROUTES;

#[test]
fn cargo_lambda_watch_has_the_routes_of_the_stack() {
    let workspace = include_str!("../../Cargo.toml");
    let (_, router) = workspace
        .split_once("[workspace.metadata.lambda.watch.router]")
        .expect("the router's table");
    let router = router.split("\n[").next().unwrap();
    for route in ROUTES {
        let line = format!(
            "\"{}\" = [{{ method = \"{}\", function = \"{}\" }}]",
            route.path, route.method, route.function
        );
        assert!(
            router.contains(&line),
            "the workspace's metadata lacks {line}"
        );
    }
    assert_eq!(
        router.lines().filter(|line| line.starts_with('"')).count(),
        ROUTES.len()
    );
}
