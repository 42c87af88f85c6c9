#[allow(dead_code)]
/// Takes an order.
async fn checkout(
    order: Order,
    context: Context,
    db: &SqlitePool,
    settings: Settings,
) -> Result<Receipt, Error> {
    order.place(db, &settings, &context.request_id).await
}
///Runs the handler `checkout`.
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
struct checkout {}
#[allow(dead_code, non_camel_case_types, clippy::all, clippy::pedantic, clippy::nursery)]
const _: () = {
    impl ::rewarm::private::Handler for checkout {
        const SPEC: ::rewarm::private::HandlerSpec = ::rewarm::private::HandlerSpec::DEFAULT
            .name("checkout")
            .report_every(100u64);
        type Event = Order;
        type Answer = Receipt;
        type Error = <Result<Receipt, Error> as ::rewarm::private::IsResult>::Err;
        async fn call(
            __event: ::rewarm::LambdaEvent<Order>,
        ) -> ::core::result::Result<
            ::core::result::Result<
                Receipt,
                <Result<Receipt, Error> as ::rewarm::private::IsResult>::Err,
            >,
            ::rewarm::ResourceError,
        > {
            let __held = ::rewarm::private::hold::<(db, settings)>().await?;
            ::core::result::Result::Ok(
                checkout(
                        __event.payload,
                        __event.context,
                        &*__held.0,
                        <Settings as ::rewarm::private::FromHeld<
                            _,
                            _,
                        >>::from_held(&__held.1),
                    )
                    .await,
            )
        }
    }
    impl checkout {
        /// Runs the function: under Lambda, or on the command line.
        fn run() -> ::rewarm::private::ExitCode {
            ::rewarm::private::run::<Self>()
        }
        /// The function as a `tower::Service`.
        fn service() -> ::rewarm::private::Service<Self> {
            ::rewarm::private::service()
        }
        ::rewarm::private::container!(fn);
    }
};
