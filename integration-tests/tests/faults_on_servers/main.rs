//! Every fault that a real server can be brought to, on every kind of server, through both clients.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod refusing;
mod setup;
mod silent;
mod wrong;

/// One test per fault, client and kind of server.
macro_rules! on_all {
    ($file:ident: $($fault:ident)*) => {
        mod $file {
            $(mod $fault {
                use integration_tests::{Kind, nodes::Client};
                use crate::$file::$fault as check;

                #[tokio::test]
                async fn redis_on_redis_7_0() {
                    check(Client::Redis, Kind::Redis70).await;
                }
                #[tokio::test]
                async fn redis_on_valkey_9_1() {
                    check(Client::Redis, Kind::Valkey91).await;
                }
                #[tokio::test]
                async fn redis_on_redis_6_2() {
                    check(Client::Redis, Kind::Redis62).await;
                }
                #[tokio::test]
                async fn fred_on_redis_7_0() {
                    check(Client::Fred, Kind::Redis70).await;
                }
                #[tokio::test]
                async fn fred_on_valkey_9_1() {
                    check(Client::Fred, Kind::Valkey91).await;
                }
                #[tokio::test]
                async fn fred_on_redis_6_2() {
                    check(Client::Fred, Kind::Redis62).await;
                }
            })*
        }
    };
}

mod tests {
    on_all! { silent:
        a_hung_server_is_unknown
        a_dead_server_is_refused
        a_connection_cut_after_the_request_is_unknown_and_released
    }
    on_all! { refusing:
        a_full_memory_refuses_to_acquire_but_not_to_release
        a_loading_server_is_not_ready
        a_server_busy_with_a_script_is_not_ready
        a_server_that_cannot_persist_refuses
        a_server_that_insists_on_replicas_refuses
        a_server_with_too_many_clients_refuses
        flushed_scripts_are_no_fault
    }
    on_all! { wrong:
        a_replica_is_misconfigured
        a_replica_without_its_master_is_misconfigured
        a_cluster_member_is_misconfigured
        a_key_of_another_type_is_misconfigured
        a_wrong_password_is_misconfigured
        a_missing_password_is_misconfigured
    }
}
